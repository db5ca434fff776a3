//! Every transition of the outbox crossed with every way in which the store can fail at its commit: each
//! pair is lived through with the real application, and the day ends as if nothing had failed.

mod clock;
mod failing;
mod life;
mod outside;
mod rows;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use upprop::model::State;

use crate::load::say;
use failing::Failpoint;
use rows::{NOT_HERE, ROWS};

/// Moves that leave a notification where it is: a later look, another due time.
fn is_transition((from, to): (Option<State>, State)) -> bool {
    from != Some(to)
}

#[test]
fn every_transition_meets_every_failpoint_and_the_day_ends_the_same() {
    let mut table = format!("{:<46}", "transition");
    for point in Failpoint::ALL {
        let _ = write!(table, " {:>11}", point.head());
    }
    let (mut wrong, mut visits) = (Vec::new(), 0);
    let mut seen = BTreeSet::new();
    for row in ROWS {
        let config = life::configured(row);
        let calm = life::lived(row, &config, None);
        if calm.ends != row.ends {
            wrong.push(format!("{}: without a fault it ends: {}", row.name, calm.ends));
        }
        seen.extend(calm.seen);
        let _ = write!(table, "\n{:<46}", row.name);
        for point in Failpoint::ALL {
            let ended = life::lived(row, &config, Some(point));
            if ended.fired != 1 {
                wrong.push(format!("{} was not visited by {point:?}", row.name));
            }
            if ended.ends != row.ends {
                wrong.push(format!("{} with {point:?} ends: {}", row.name, ended.ends));
            }
            seen.extend(ended.seen);
            visits += ended.fired;
            let _ = write!(table, " {:>11}", ended.fired);
        }
    }
    for (number, why) in NOT_HERE {
        let _ = write!(table, "\n{number} not here, {why}");
    }
    let pairs = ROWS.len() * Failpoint::ALL.len();
    say(format_args!("{table}\ntransitions: {visits} of {pairs} pairs visited"));
    let listed: BTreeSet<_> = ROWS.iter().map(|row| (row.is.from, row.is.to)).collect();
    for missing in seen.iter().filter(|moved| is_transition(**moved) && !listed.contains(moved)) {
        wrong.push(format!("{missing:?} was committed and is not in the table"));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
