//! Nothing leaves while an operator has suspended sending.

use super::Oracle;
use crate::holds::SLACK;

impl Oracle<'_> {
    /// No attempt began between the answer to a suspension and its end.
    pub fn suspended(&mut self) {
        let asked = self.world.outside.asked.lock().expect("asked").clone();
        let held = self.world.held.lock().expect("held").clone();
        for a in &asked {
            let Some(n) = self.known.get(&a.notification).cloned() else { continue };
            for h in held.iter().filter(|h| h.scope.covers(&n.school, n.channel)) {
                if a.truth < h.answered || n.created_at >= h.until {
                    continue;
                }
                let open = h.ending.is_none_or(|end| a.truth < end);
                let inside = a.truth > h.answered + SLACK && open && a.clock + SLACK < h.until;
                let words = || format!("{} left at {} ({} there)", n.id, a.truth, a.clock);
                self.check(HELD, !inside, words);
            }
        }
    }
}

pub const HELD: &str = "nothing leaves while sending is suspended";
