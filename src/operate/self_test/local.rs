//! Checks on this machine: store, clock, directory, sources, the control socket.

use jiff::{SignedDuration, Timestamp};

use super::{Here, Line, Probes};
use crate::directory::{Protection, Roster};
use crate::env::Clock;
use crate::operate::status;
use crate::store::ledger::{self, Unit};
use crate::store::rows::Seen;
use crate::store::{Commit, Kv, StoreError, tables};

/// As far as a clock may differ from a provider's: texts in doubt are held beyond it.
const APART: SignedDuration = SignedDuration::from_secs(30);
/// A directory that is older is probably no longer exported.
const OLD: SignedDuration = SignedDuration::from_hours(3 * 24);
/// When this was written: a clock that says less has never been set.
const EARLIEST: &str = "2026-01-01T00:00:00Z";

/// A row is written, read and removed, each durably; and the disk's room.
pub async fn store(here: &Here<'_>) -> Vec<Line> {
    let kv = match &here.kv {
        Ok(kv) => *kv,
        Err(why) => return vec![Line::not_tested("store", why.clone())],
    };
    let wrote = match probe(kv, here.clock.now()).await {
        Ok(()) => Line::ok("store", "a row was written durably, read and removed"),
        Err(why) => {
            Line::failed("store", why, "see the log; when the disk is full, make room on it")
        }
    };
    let health = kv.health();
    let free = health.free_bytes.map(|bytes| format!("{} MiB are free", bytes >> 20));
    let disk = match (health.why, free) {
        (Some(why), _) => Line::failed("disk", why, "make room on it"),
        (None, Some(free)) => Line::ok("disk", free),
        (None, None) => Line::not_tested("disk", "the system does not say how much is free"),
    };
    vec![wrote, disk]
}

async fn probe(kv: &dyn Kv, now: Timestamp) -> Result<(), String> {
    let words = |error: StoreError| error.to_string();
    let key = tables::PROBE.to_vec();
    let mut unit = Unit::new(kv);
    unit.write(key.clone(), &Seen { at: now });
    let written = unit.commit().await.map_err(words)?;
    let read: Option<Seen> = ledger::read(kv, &key).await.map_err(words)?;
    // Two tests at once see each other's row, which shows as much.
    let mut unit = Unit::new(kv);
    unit.delete(key);
    let removed = unit.commit().await.map_err(words)?;
    match (read, written, removed) {
        (Some(_), Commit::Done, Commit::Done) => Ok(()),
        _ => Err("the row that was written could not be read; if another self-test ran, try again"
            .into()),
    }
}

/// Whether the clock goes forward, and agrees with those that answered.
pub fn clock(clock: &dyn Clock, dates: &[(String, SignedDuration)]) -> Line {
    let (one, other) = (clock.now(), clock.now());
    let remedy = "set it and keep it set: `timedatectl status`, and a time service";
    if other < one {
        return Line::failed("clock", "it goes backwards", remedy);
    }
    if EARLIEST.parse().is_ok_and(|earliest: Timestamp| one < earliest) {
        return Line::failed("clock", format!("it says {one}"), remedy);
    }
    let furthest = dates.iter().max_by_key(|(_, apart)| apart.abs());
    match furthest {
        Some((who, apart)) if apart.abs() > APART => {
            Line::failed("clock", format!("it is {apart:#} apart from that of {who}"), remedy)
        }
        Some((who, _)) => Line::ok("clock", format!("within 30 s of that of {who}")),
        None => Line::ok("clock", "it goes forward; nobody was reached to compare it with"),
    }
}

/// When each source was last heard.
pub async fn sources(probes: &Probes, here: &Here<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (id, described) in &here.sources {
        // Others are asked, or looked for.
        if described.kind != "webhook" {
            continue;
        }
        let check = format!("source {id}");
        if probes.unread.contains(&format!("sources.{id}")) {
            lines.push(Line::not_tested(check, "its secrets cannot be read here"));
            continue;
        }
        let heard = here.contacts.as_ref().and_then(|contacts| contacts.of(id).answered);
        let last = match (heard, &here.kv) {
            (Some(at), _) => Some(at),
            (None, Ok(kv)) => status::last_event(*kv, id).await.ok().flatten(),
            (None, Err(_)) => None,
        };
        lines.push(match last {
            Some(at) => Line::ok(check, format!("its secrets are there; last heard {at:.0}")),
            None => Line::not_tested(check, "its secrets are there; nothing was heard from it yet")
                .with_remedy("have the reporting system send an event"),
        });
    }
    lines
}

/// Whether the directory is there, new, and says who is protected.
pub fn directory(here: &Here<'_>) -> Line {
    let Some(roster) = here.roster else {
        return Line::not_tested("directory", "only the running daemon has it")
            .with_remedy("`upprop directory check` reads the folder");
    };
    directory_of(roster, here.clock.now())
}

fn directory_of(roster: &Roster, now: Timestamp) -> Line {
    let (mut pupils, mut unknown) = (0_usize, 0_usize);
    for pupil in roster.pupils.values().flat_map(|pupils| pupils.values()) {
        pupils += 1;
        unknown += usize::from(pupil.protection == Protection::Unknown);
    }
    let check = "directory";
    if pupils == 0 {
        return Line::failed(check, "it has no pupils: nobody can be told", "load one");
    }
    let told = format!("{pupils} pupils, {unknown} of unknown protection");
    if unknown == pupils {
        let remedy = "export the column `protection`: whoever's protection is not known is never written about";
        return Line::failed(check, told, remedy);
    }
    let Some(age) = roster.loaded_at.map(|at| now.duration_since(at)) else {
        return Line::ok(check, told);
    };
    let words = format!("{told}, loaded {} h ago", age.as_hours());
    if age > OLD {
        return Line::failed(check, words, "look whether it is still exported");
    }
    Line::ok(check, words)
}

/// Whether the control socket can be made.
pub fn control(probes: &Probes, here: &Here<'_>) -> Line {
    if here.by_daemon {
        return Line::ok("control socket", "it answers");
    }
    let folder = probes.control.parent().is_some_and(std::path::Path::is_dir);
    if folder {
        Line::ok("control socket", "its folder is there, and no daemon answers at it")
    } else {
        Line::not_tested("control socket", "its folder is not there yet").with_remedy(
            "the daemon makes it when it is the store's; else make it, or let the unit do so",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::self_test::Finding;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn the_probe_leaves_nothing_behind() {
        let kv = MemoryStore::new();
        assert_eq!(probe(&kv, Timestamp::UNIX_EPOCH).await, Ok(()));
        assert!(kv.scan(b"", &[u8::MAX; 9], 9).await.expect("rows").is_empty());
    }

    #[test]
    fn a_clock_that_is_apart_from_others_fails() {
        let system = crate::env::SystemClock::new();
        let at = |seconds| {
            let dates = [
                ("elks".to_owned(), SignedDuration::from_secs(seconds)),
                ("b".into(), SignedDuration::ZERO),
            ];
            clock(&system, &dates)
        };
        assert_eq!(at(29).finding, Finding::Ok);
        for seconds in [31, -31, 7_200] {
            let line = at(seconds);
            assert_eq!(line.finding, Finding::Failed);
            assert!(line.words.contains("elks"), "{line:?}");
        }
    }
}
