//! One lesson of the schedule on its way to the core. Asks the source for nothing, and decides nothing.

use super::fault::Fault;
use super::timetable::Scheduled;
use crate::intake::IntakeError;
use crate::model::{EventId, Fact, NotificationId, Observation};
use crate::source::marks::Offering;
use crate::store::rows::Register;
use crate::store::{ledger, tables};

/// Tells the core of a lesson that is otherwise than it knows. Whether it knows something new now.
pub(super) async fn plan(offering: &Offering, scheduled: &Scheduled) -> Result<bool, Fault> {
    let Scheduled { school, lesson, planned, .. } = scheduled;
    let row = tables::register(school, &lesson.id);
    let known: Option<Register> = ledger::read_good(offering.intake.kv().as_ref(), &row).await?;
    if known.is_some_and(|k| k.lesson == *lesson && k.planned.as_ref() == Some(planned)) {
        return Ok(false);
    }
    let now = offering.intake.clock().now();
    let event = NotificationId::of(&[
        school.as_str(),
        lesson.id.as_str(),
        "planned",
        &now.as_nanosecond().to_string(),
    ]);
    let observation = Observation {
        source: offering.source.clone(),
        event: EventId::new(event.as_str()).map_err(|_| Fault::Stopped)?,
        school: school.clone(),
        fact: Fact::LessonPlanned { lesson: lesson.clone(), planned: planned.clone() },
    };
    match offering.intake.accept(&observation).await {
        Ok(_) => {
            offering.contacts.news(&offering.source, planned.modified_at, now);
            Ok(true)
        }
        Err(IntakeError::Store(error)) => Err(error.into()),
        Err(IntakeError::Rejected(why)) => {
            tracing::debug!(source = %offering.source, why, "a lesson is refused");
            Ok(false)
        }
    }
}
