//! A whole dispatcher and inlet for tests: a store in memory that can be full, a scripted provider, mail
//! kept, and a clock set by hand. Requires after each turn that what is open is due exactly once.

use super::*;
use crate::store::{Wake, Watched};

/// A clock that moves only when told.
pub(super) struct Hand {
    at: Mutex<Timestamp>,
    sleeps: Mutex<bool>,
}

impl Hand {
    /// From now on a wait is over after a while.
    pub(super) fn sleeps(&self) {
        *self.sleeps.lock().expect("clock") = true;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.at.lock().expect("clock")
    }
    fn sleep_until(&self, _: Timestamp) -> Pending<'_, ()> {
        if *self.sleeps.lock().expect("clock") {
            return Box::pin(tokio::task::yield_now());
        }
        Box::pin(std::future::pending())
    }
}

/// Answers as scripted, then takes everything; remembers the bodies of submissions.
#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<(u16, String, Timestamp)>>,
    submitted: Mutex<Vec<String>>,
    /// Done once, when the next answer is given.
    pub(super) before_answer: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Wire for Script {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> Pending<'_, Result<http::Response<Bytes>, WireError>> {
        let mut submitted = self.submitted.lock().expect("wire");
        if request.method() == http::Method::POST {
            submitted.push(String::from_utf8_lossy(request.body()).into_owned());
        }
        if let Some(hook) = self.before_answer.lock().expect("hook").take() {
            hook();
        }
        let otherwise =
            (200, format!("{{\"id\":\"s{}\"}}", submitted.len()), Timestamp::UNIX_EPOCH);
        let mut answers = self.answers.lock().expect("wire");
        let (status, body, at) = answers.pop_front().unwrap_or(otherwise);
        let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let answer = http::Response::builder().status(status).header("date", date);
        let answer = answer.body(Bytes::from(body));
        Box::pin(std::future::ready(Ok(answer.expect("answer"))))
    }
}

/// A store that takes nothing while told so, and in which others change what a batch depends on as
/// often as told.
#[derive(Default)]
pub(super) struct Faulty {
    pub(super) inner: MemoryStore,
    pub(super) full: Mutex<bool>,
    /// How many commits from now on conflict.
    pub(super) conflicts: Mutex<u32>,
    /// Commits wait for it while it is there.
    pub(super) slow: Mutex<Option<Arc<Notify>>>,
}

impl Kv for Faulty {
    fn get<'a>(
        &'a self,
        key: &'a [u8],
    ) -> crate::store::Pending<'a, Result<Option<Bytes>, StoreError>> {
        self.inner.get(key)
    }
    fn scan<'a>(
        &'a self,
        from: &'a [u8],
        to: &'a [u8],
        limit: usize,
    ) -> crate::store::Pending<'a, Result<Vec<(Vec<u8>, Bytes)>, StoreError>> {
        self.inner.scan(from, to, limit)
    }
    fn commit(&self, batch: Batch) -> crate::store::Pending<'_, Result<Commit, StoreError>> {
        if *self.full.lock().expect("flag") && !batch.is_read_only() {
            return Box::pin(std::future::ready(Err(StoreError::Busy("full".into()))));
        }
        let mut conflicts = self.conflicts.lock().expect("count");
        if *conflicts > 0 && !batch.is_read_only() {
            *conflicts -= 1;
            return Box::pin(std::future::ready(Ok(Commit::Conflict)));
        }
        let slow = self.slow.lock().expect("slow").clone();
        Box::pin(async move {
            if let Some(slow) = slow {
                slow.notified().await;
            }
            self.inner.commit(batch).await
        })
    }
    fn health(&self) -> Health {
        self.inner.health()
    }
}

pub(super) struct Bench {
    pub(super) clock: Arc<Hand>,
    pub(super) wire: Arc<Script>,
    pub(super) mail: MailMemory,
    pub(super) kv: Arc<Faulty>,
    pub(super) directory: Arc<ArcSwap<Directory>>,
    pub(super) dispatcher: Dispatcher,
    pub(super) intake: Intake,
    pub(super) wake: Arc<Wake>,
    pub(super) faults: mpsc::UnboundedReceiver<StoreError>,
    pub(super) serial: u32,
}

pub(super) fn at(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}+01:00").parse().expect("time")
}

pub(super) fn school() -> School {
    School {
        team_email: Some(EmailAddress::new("team@example.se").expect("email")),
        sms_provider: Some(ProviderId::new("elks").expect("id")),
        ..crate::delivery::testing::school()
    }
}

/// Pages whose links are good for a day.
pub(super) fn pages() -> crate::delivery::case_page::Pages {
    let secret = secrecy::SecretString::from("a secret of the tests, long enough");
    let day = SignedDuration::from_hours(24);
    crate::delivery::case_page::Pages {
        links: crate::message::page_link::PageLinks::new("https://u.example.se", &secret, day),
        closes_after: SignedDuration::from_hours(24 * 30),
    }
}

/// A pupil, and guardians by id and the end of their number.
pub(super) type Family<'a> = (&'a str, Protection, &'a [(&'a str, u16)]);

/// Pupils, each with their guardians' ids and the ends of their numbers.
pub(super) fn roster(pupils: &[Family<'_>]) -> Roster {
    let mut roster = Roster::default();
    for (pupil, protection, guardians) in pupils {
        let id = PupilId::new(*pupil).expect("id");
        let mut links = Vec::new();
        for (guardian, last) in *guardians {
            let guardian = GuardianId::new(*guardian).expect("id");
            links.push(GuardianLink::of(guardian.clone(), true, false));
            let row = Guardian {
                id: guardian.clone(),
                name: None,
                phone: Some(Phone::new(format!("+46701740{last}")).expect("phone")),
                phone_is_mobile: true,
                email: None,
                channel: None,
                language: None,
                household: None,
            };
            roster.guardians.insert(guardian, row);
        }
        let row = Pupil {
            id: id.clone(),
            school: school().id,
            class: None,
            given_name: "Alva".into(),
            family_name: None,
            birth_date: Some(date(2013, 5, 4)),
            protection: *protection,
            mentor: None,
            phone: None,
            phone_is_mobile: true,
            email: None,
            channel: None,
            language: None,
            groups: Vec::new(),
            year: None,
            home_municipality: None,
            flagged: false,
            guardians: links,
        };
        roster.pupils.entry(school().id).or_default().insert(id, row);
    }
    roster
}

impl Bench {
    pub(super) fn new(rate: Option<Rate>, roster: Roster) -> Self {
        let clock = Arc::new(Hand { at: Mutex::new(at("08:21:00")), sleeps: Mutex::default() });
        let wire = Arc::new(Script::default());
        let mail = MailMemory::default();
        let kv = Arc::new(Faulty::default());
        let wake = Arc::new(Wake::default());
        let watched: Arc<dyn Kv> = Arc::new(Watched::new(kv.clone(), wake.clone()));
        let schools = [(school().id, school())].into();
        let directory = Arc::new(ArcSwap::from_pointee(Directory {
            schools: Arc::new(schools),
            roster: Arc::new(roster),
        }));
        let id = ProviderId::new("elks").expect("id");
        let settings = ProviderSettings {
            id: id.clone(),
            kind: ProviderKind::Elks(ElksSettings {
                base_url: Endpoint::parse("http://127.0.0.1:9", PlainHttp::LoopbackOnly)
                    .expect("url"),
                username: "u".into(),
                password: "p".into(),
                keep_text: false,
            }),
            rates: rate.into_iter().collect(),
            receipt_secret: None,
        };
        let provider = Provider {
            id: id.clone(),
            api: Arc::from(settings.api()),
            rates: settings.rates.clone(),
            check_number_after: std::num::NonZeroU32::new(3).expect("three"),
            receipt_url: None,
            ack: settings.receipt_ack(),
        };
        let account = MailAccount {
            id: ProviderId::new("mail").expect("id"),
            from: EmailAddress::new("franvaro@example.se").expect("email"),
            from_name: None,
            reply_to: None,
            domain: "example.se".into(),
            rate: None,
        };
        let shared = Arc::new(Shared::new(
            watched.clone(),
            Env {
                clock: clock.clone(),
                wire: wire.clone(),
                mail: Arc::new(MailTransport::Memory(mail.clone())),
            },
            directory.clone(),
            Arc::new(Templates::load(None).expect("templates")),
            [(id, provider)].into(),
            Some(account),
            Settings { pages: Some(pages()), ..Settings::default() },
            wake.clone(),
            Arc::new(crate::metrics::Metrics::new(clock.now())),
        ));
        let (broken, faults) = mpsc::unbounded_channel();
        let dispatcher = Dispatcher::new(shared, TaskTracker::new(), broken);
        let intake = Intake::new(watched, clock.clone(), directory.clone(), TaskTracker::new());
        Self { clock, wire, mail, kv, directory, dispatcher, intake, wake, faults, serial: 0 }
    }

    pub(super) fn set(&self, clock: &str) {
        self.set_to(at(clock));
    }

    pub(super) fn set_to(&self, now: Timestamp) {
        *self.clock.at.lock().expect("clock") = now;
    }

    pub(super) async fn hear(&mut self, fact: Fact) {
        self.serial += 1;
        let observation = Observation {
            source: SourceId::new("src").expect("id"),
            event: EventId::new(format!("e{}", self.serial)).expect("id"),
            school: school().id,
            fact,
        };
        assert_eq!(self.intake.accept(&observation).await.expect("accept"), Accepted::New);
    }

    pub(super) fn lesson(id: &str) -> Lesson {
        let id = LessonId::new(id).expect("id");
        Lesson { id, start: at("08:20:00"), end: at("09:20:00"), label: None }
    }

    pub(super) async fn mark(&mut self, pupil: &str, mark: Mark) {
        self.mark_at(pupil, "l", mark).await;
    }

    pub(super) async fn mark_at(&mut self, pupil: &str, lesson: &str, mark: Mark) {
        let lesson = Self::lesson(lesson);
        self.hear(Fact::Marked {
            pupil: PupilId::new(pupil).expect("id"),
            lesson,
            mark,
            minutes: None,
            register_closed: None,
            recorded_at: self.clock.now(),
            recorded_by: None,
        })
        .await;
    }

    /// The provider's next answer, made now.
    pub(super) fn answer(&self, status: u16, body: &str) {
        let answer = (status, body.into(), self.clock.now());
        self.wire.answers.lock().expect("wire").push_back(answer);
    }

    /// Passes until nothing can be done, and says until when.
    pub(super) async fn work(&mut self) -> Timestamp {
        // Tests write past the watch.
        for lane in Lane::ALL {
            self.wake.look_again(lane);
        }
        for _ in 0..200 {
            let pass = self.dispatcher.pass().await.expect("pass");
            self.dispatcher.tracker.close();
            self.dispatcher.tracker.wait().await;
            self.dispatcher.tracker.reopen();
            if let Ok(error) = self.faults.try_recv() {
                panic!("the daemon would stop: {error}");
            }
            if let Pass::IdleUntil(until, _) = pass {
                self.every_open_row_is_due_once().await;
                return until;
            }
        }
        panic!("never idle");
    }

    pub(super) async fn notifications(&self) -> Vec<Notification> {
        let (from, to) = (tables::NOTIFICATIONS, after_prefix(tables::NOTIFICATIONS));
        let rows = self.kv.scan(from, &to, 10_000).await.expect("scan");
        rows.iter().map(|(_, row)| ledger::decode(row).expect("row")).collect()
    }

    /// One due row for each notification that is open, none for any other.
    async fn every_open_row_is_due_once(&self) {
        let rows = self.kv.scan(b"du/", &after_prefix(b"du/"), 10_000).await.expect("scan");
        let mut due: Vec<NotificationId> = rows
            .iter()
            .filter_map(|(_, row)| match ledger::decode(row).expect("row") {
                Due::Claim { id, .. } | Due::Resolve(id) => Some(id),
                Due::LessonEnd { .. }
                | Due::Register { .. }
                | Due::Replanned { .. }
                | Due::RegisterDigest { .. }
                | Due::Daily { .. }
                | Due::Redact { .. }
                | Due::Ladder { .. }
                | Due::Duty { .. }
                | Due::Hold { .. }
                | Due::Watch => None,
            })
            .collect();
        due.sort();
        let mut open: Vec<NotificationId> = self
            .notifications()
            .await
            .into_iter()
            .filter(|n| matches!(n.state, State::Waiting | State::Sending | State::InDoubt))
            // One that is under way with another is due by that one.
            .filter(|n| n.carried_by.is_none() || n.state == State::Waiting)
            .map(|n| n.id)
            .collect();
        open.sort();
        assert_eq!(due, open);
    }

    /// The bodies of the texts submitted, in order.
    pub(super) fn bodies(&self) -> Vec<String> {
        self.wire.submitted.lock().expect("wire").clone()
    }

    pub(super) fn texts(&self) -> usize {
        self.wire.submitted.lock().expect("wire").len()
    }
}
