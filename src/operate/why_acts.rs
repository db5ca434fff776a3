//! What operators did that a trail is to be read with: to the whole of sending or to a school on its day, and to the
//! silences that the trail names on whatever day. Reads only.

use jiff::civil::Date;

use super::OperateError;
use crate::delivery::suspension::Scope;
use crate::directory::School;
use crate::model::{Silencing, local_date};
use crate::store::ledger;
use crate::store::rows::OperatorAct;
use crate::store::{Kv, tables};

/// What is written of a silence's id before it, in the scope of an act.
pub(super) const SILENCE: &str = "silence:";

/// What operators did on a day that concerns a school, and to these silences, oldest first.
///
/// # Errors
/// When the store fails.
pub(super) async fn acts(
    kv: &dyn Kv,
    school: &School,
    date: Date,
    silences: &[&str],
) -> Result<Vec<OperatorAct>, OperateError> {
    let mut found = Vec::new();
    ledger::each(kv, tables::OPERATOR_ACTS, |_, value| {
        let Ok(act) = ledger::decode::<OperatorAct>(value) else { return };
        let named = act.scope.strip_prefix(SILENCE).is_some_and(|id| silences.contains(&id));
        let concerns = act.scope.parse().is_ok_and(|scope: Scope| scope.concerns(&school.id));
        if named || (concerns && local_date(act.at, &school.zone) == date) {
            found.push(act);
        }
    })
    .await?;
    if !silences.is_empty() {
        let mut rows: Vec<Silencing> = Vec::new();
        ledger::each(kv, tables::SILENCINGS, |_, value| {
            let row = ledger::decode::<Silencing>(value).ok();
            rows.extend(row.filter(|row| silences.contains(&row.id.as_str())));
        })
        .await?;
        for act in found.iter_mut().filter(|act| act.reason.is_empty()) {
            // The reason for one pupil's silence stands in its row alone, which goes with the pupil.
            let row = rows.iter().find(|row| act.scope.strip_prefix(SILENCE) == Some(&row.id));
            act.reason = row.map(|row| row.reason.clone()).unwrap_or_default();
        }
    }
    Ok(found)
}
