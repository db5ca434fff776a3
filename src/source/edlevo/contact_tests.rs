//! First contact, where one of several operations answers late, or never.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use jiff::SignedDuration;

use super::*;
use crate::env::{Pending, WireError};
use crate::model::ProviderId;
use crate::source::testing::{Core, id};

/// The events of each operation; an operation that is not there answers 404.
#[derive(Default)]
struct Answers(Mutex<BTreeMap<&'static str, String>>);

impl Answers {
    fn says(&self, operation: &'static str, events: &[(&str, &str, &str)]) {
        let event = |(pupil, lesson, start): &(&str, &str, &str)| {
            format!(
                "<person><personid>{pupil}</personid><event><start>2026-11-23T{start}:00</start>\
                 <unitid>u</unitid><schoolevent><lessonid>{lesson}</lessonid>\
                 <reason>Invalid</reason><minutes>30</minutes><lessonminutes>30</lessonminutes>\
                 </schoolevent></event></person>"
            )
        };
        let events: String = events.iter().map(event).collect();
        let answer = format!("<persons>{events}</persons>");
        self.0.lock().expect("lock").insert(operation, answer);
    }
}

impl Wire for Answers {
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Result<Response<Bytes>, WireError>> {
        let operation = request.uri().path().rsplit('/').next().expect("a path").to_owned();
        let answer = self.0.lock().expect("lock").get(operation.as_str()).cloned();
        let status = if answer.is_some() { 200 } else { 404 };
        let body = Bytes::from(answer.unwrap_or_default());
        let answer = Response::builder().status(status).body(body).expect("an answer");
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn edlevo(core: &Core, answers: &Arc<Answers>) -> Edlevo {
    let service = Service {
        url: "https://e.example.se/v2".into(),
        key: None,
        header: None,
        door: ProviderId::new("edlevo.e").expect("id"),
        parameters: ["UnitId".into(), "StartDate".into(), "EndDate".into()],
    };
    let unit = Unit { id: "u".into(), operations: vec!["GetA".into(), "GetB".into()] };
    let settings = Settings {
        service,
        schools: [(id(), unit)].into(),
        poll: SignedDuration::from_mins(1),
        days: 2,
        lesson_ids: LessonIds::Occurrence,
    };
    Edlevo { settings, offering: core.offering.clone(), wire: answers.clone() }
}

#[tokio::test]
async fn an_operation_that_never_answers_does_not_make_all_others_say_history() {
    // It is 08:20 at the school.
    let core = Core::with(&["p", "q", "r"]);
    let answers = Arc::new(Answers::default());
    let source = edlevo(&core, &answers);
    let mut known = BTreeMap::new();
    answers.says("GetA", &[("p", "a1", "08:00")]);
    source.round(&mut known).await.expect("asked");
    assert_eq!(core.lessons().await.len(), 1);
    assert!(core.messages().await.is_empty(), "first contact sends nothing");

    core.clock.pass(SignedDuration::from_mins(15));
    answers.says("GetA", &[("p", "a1", "08:00"), ("q", "a2", "08:30")]);
    source.round(&mut known).await.expect("asked");
    let told = core.messages().await.len();
    assert!(told > 0, "the other operation has never answered, and nobody is told");
    let contact = core.offering.contacts.of(&core.offering.source);
    let heard: Vec<_> = contact.marks_answered.into_values().collect();
    assert_eq!(heard.len(), 1, "the school is answered for all the same");

    // It answers at last: what was over when it was first asked is history, and nothing else is.
    answers.says("GetB", &[("q", "b0", "07:30"), ("r", "b1", "08:25")]);
    source.round(&mut known).await.expect("asked");
    let all = core.messages().await;
    let of = |pupil: &str| all.iter().filter(|n| n.pupil.as_str() == pupil).count();
    assert_eq!((of("p"), of("q")), (0, told));
    assert!(of("r") > 0, "a lesson since first contact is news");
    // As after a restart.
    source.round(&mut BTreeMap::new()).await.expect("asked");
    assert_eq!(core.messages().await.len(), all.len(), "and once");
}
