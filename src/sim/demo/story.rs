//! The day itself: what is reported, and beside it what must come of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::checks::{Class, Counts, Expected, Wanted, ms};
use super::people::{
    ALVA, ASTRID, ELIN, HUGO, IDA, MAJA, NILS, OMAR, Pupil, SARA, SCHOOL_NAME, TEAM, VILLE,
};
use super::sender::{Lesson, Word};
use super::stage::{Stage, seconds};
use super::{DemoError, Report, within};
use crate::sim::sink::{Kind, ReceiptState, Received};

/// What the teacher adds about Sara, in her own words.
const NOTE: &str = "Sågs vid busshållplatsen före lektionen.";

/// What the day must come to; each step says which messages these are. Asked by SS 12000, a school system
/// has no place for a teacher's own words, and nobody to tell that it repeats itself.
fn wanted(asked: bool) -> Wanted {
    let mut wanted = WANTED;
    if asked {
        wanted.counts.mails -= 1;
        wanted.counts.duplicates = 0;
        // A school system that is asked says again and again what it knows, and of a register that is not
        // taken yet, nothing.
        wanted.not_told = ASKED_NOT_TOLD;
    }
    wanted
}

const ASKED_NOT_TOLD: &[(&str, usize, usize)] = &[
    ("protected", 0, 9),
    // Where the school system says so in a word that nobody knows.
    ("protection-unknown", 0, 9),
    ("advance-notice", 1, 9),
    ("present", 0, 1),
    ("unknown-mark", 0, 99),
];

const WANTED: Wanted = Wanted {
    counts: Counts {
        texts: 9,
        mails: 4,
        corrections: 1,
        duplicates: 4,
        delivered: 9,
        told_twice: 0,
        unexpected: 0,
        kills: 1,
    },
    silent: &[
        (MAJA.name, MAJA.guardians[0].phone),
        (VILLE.name, VILLE.guardians[0].phone),
        (HUGO.name, HUGO.guardians[0].phone),
    ],
    // Hugo's text is called back, unless it happens to be on the wire, refused once more, just then.
    not_told: &[("protected", 1, 1), ("advance-notice", 1, 1), ("present", 0, 1)],
};

/// Plays the day. A story that goes wrong is told as far as it goes; its report says why. The
/// caller brings the daemon's trail to [`conclude`].
///
/// # Errors
/// When it cannot be shown.
pub async fn play(mut stage: Stage<'_>) -> Result<Report, DemoError> {
    let began = stage.clock.now();
    match stage.day().await {
        Ok(()) => {}
        Err(DemoError::Output(error)) => return Err(error.into()),
        Err(error) => stage.problem(error.to_string()),
    }
    let all = stage.sink.messages();
    stage.show_rest(&all)?;
    let mut report = stage.report;
    report.count(&all, WANTED.silent);
    report.ms = ms(began, stage.clock.now());
    Ok(report)
}

/// Judges the day. `not_told`: reasons in the daemon's trail for which something was not told, or
/// called back, and how often each. `asked`: whether the school system was asked by SS 12000.
pub fn conclude(report: &mut Report, not_told: BTreeMap<String, usize>, asked: bool) {
    report.compare(&wanted(asked), not_told);
}

fn text(class: Class, pupil: &Pupil, guardian: usize) -> Expected {
    Expected { class, kind: Kind::Sms, to: pupil.guardians[guardian].phone, says: pupil.name }
}

fn to_team(class: Class, says: &'static str) -> Expected {
    Expected { class, kind: Kind::Email, to: TEAM, says }
}

impl Stage<'_> {
    async fn day(&mut self) -> Result<(), DemoError> {
        let now = self.clock.now();
        let minute = SignedDuration::from_mins(1);
        let lesson = Lesson {
            id: "ma-7b-1",
            label: "Ma 7B",
            start: now - minute * 10,
            end: now + minute * 50,
        };
        self.sender.announce(&lesson)?;
        let took = self.daemon.start().await?;
        self.say(&format!("{SCHOOL_NAME} opens; the daemon was ready in {} s.", in_seconds(took)))?;
        // What was marked before a school system is asked for the first time is known, and not told.
        self.sender.opened().await?;
        self.two_guardians(&lesson).await?;
        self.late_arrival(&lesson).await?;
        self.nobody_told(&lesson).await?;
        self.outage_and_kill(&lesson).await?;
        self.lesson_end().await?;
        self.last_absence(&lesson).await?;
        self.daemon.stop().await?;
        self.say("The school closes; the daemon has stopped as it was asked to.")
    }

    async fn absent(
        &mut self,
        pupil: &'static Pupil,
        lesson: &Lesson,
    ) -> Result<Timestamp, DemoError> {
        Ok(self.tell(lesson, &[Word::Absent(pupil)]).await?.0)
    }

    async fn two_guardians(&mut self, lesson: &Lesson) -> Result<(), DemoError> {
        let languages = self.sender.knows_languages();
        let title = if languages { "two guardians, two languages" } else { "two guardians" };
        self.step(&format!("An absence: {title}"))?;
        self.say("The teacher marks Alva absent. Nobody has given notice.")?;
        let (at, said) = self.tell(lesson, &[Word::Absent(&ALVA)]).await?;
        let expected = [text(Class::Absence, &ALVA, 0), text(Class::Absence, &ALVA, 1)];
        let texts = self.shows(ALVA.name, at, &expected).await?;
        if languages && texts.iter().any(|one| one.text == texts[0].text && one.id != texts[0].id) {
            self.problem("two guardians with two languages read the same words".into());
        }
        self.read_for(6).await;
        let known = self.tell_again(&said).await?;
        if self.sender.tells_duplicates() {
            self.say(&format!(
                "The school system is not sure that its report was taken and sends it again: {known} \
                 duplicate, nobody is told twice."
            ))?;
        } else {
            self.say(
                "The school system deletes the row and makes it anew, with another id: the same \
                 absence, nobody is told twice.",
            )?;
            self.sender.settled().await?;
        }
        self.read_for(3).await;
        Ok(())
    }

    async fn late_arrival(&mut self, lesson: &Lesson) -> Result<(), DemoError> {
        self.step("A late arrival: corrected to whoever was told")?;
        self.say("Nils is not there either.")?;
        let at = self.absent(&NILS, lesson).await?;
        self.shows(NILS.name, at, &[text(Class::Absence, &NILS, 0)]).await?;
        self.read_for(3).await;
        self.say("He comes, ten minutes late, and the teacher changes the mark.")?;
        let (at, _) = self.tell(lesson, &[Word::Late(&NILS, 10)]).await?;
        self.shows(NILS.name, at, &[text(Class::Correction, &NILS, 0)]).await?;
        self.read_for(4).await;
        Ok(())
    }

    async fn nobody_told(&mut self, lesson: &Lesson) -> Result<(), DemoError> {
        self.step("Two absences that no guardian is texted about")?;
        self.say("Ville has been granted leave, and is marked absent.")?;
        self.tell(lesson, &[Word::Leave(&VILLE)]).await?;
        self.absent(&VILLE, lesson).await?;
        self.say(
            "Maja's personal data is protected. The team gets a task that does not say whose.",
        )?;
        let at = self.absent(&MAJA, lesson).await?;
        self.shows("a protected pupil", at, &[to_team(Class::Task, "")]).await?;
        self.read_for(5).await;
        Ok(())
    }

    async fn outage_and_kill(&mut self, lesson: &Lesson) -> Result<(), DemoError> {
        self.step("The provider is away, and the daemon is killed")?;
        self.outage();
        let away = self.clock.now();
        self.say("The provider answers 503. Omar, Elin, Ida and Hugo are marked absent.")?;
        let omar = self.absent(&OMAR, lesson).await?;
        // The second refusal is followed by a pause of two seconds: nothing is on the wire then.
        self.refused(2).await?;
        let words = [Word::Absent(&ELIN), Word::Absent(&IDA), Word::Absent(&HUGO)];
        let (others, said) = self.tell(lesson, &words).await?;
        self.daemon.kill().await?;
        self.report.counts.kills += 1;
        self.say("Four texts wait. The daemon is killed (SIGKILL), and started again.")?;
        self.read_for(2).await;
        let took = self.daemon.start().await?;
        let took = in_seconds(took);
        let known = self.tell_again(&said).await?;
        if self.sender.tells_duplicates() {
            self.say(&format!(
                "Ready after {took} s. The school system sends its last report again: {known} \
                 duplicates."
            ))?;
        } else {
            self.say(&format!(
                "Ready after {took} s. The school system has made the last {known} rows anew, with \
                 other ids."
            ))?;
        }
        // The third is followed by five seconds, in which Hugo's text can only wait.
        self.refused(3).await?;
        self.tell(lesson, &[Word::There(&HUGO)]).await?;
        self.sender.settled().await?;
        self.say("Hugo was there all along; his text has not left, and never will.")?;
        self.read_for(2).await;
        self.recovery();
        let gone = ms(away, self.clock.now());
        self.say(&format!("The provider is back after {} s. Three texts leave at the daemon's next try, each once.", seconds(gone)))?;
        self.shows(OMAR.name, omar, &[text(Class::Absence, &OMAR, 0)]).await?;
        self.shows(ELIN.name, others, &[text(Class::Absence, &ELIN, 0)]).await?;
        self.shows(IDA.name, others, &[text(Class::Absence, &IDA, 0)]).await?;
        self.read_for(4).await;
        Ok(())
    }

    async fn lesson_end(&mut self) -> Result<(), DemoError> {
        self.step("A pupil who has not come when the lesson ends")?;
        let left = self.sender.reading().unwrap_or(if self.paced { 10 } else { 3 });
        self.say(&format!("Sara is absent from a lesson that ends in {left} seconds."))?;
        let now = self.clock.now();
        let lesson = Lesson {
            id: "en-7b-1",
            label: "En 7B",
            start: now - SignedDuration::from_mins(50),
            end: now + SignedDuration::from_secs(left),
        };
        let at = self.absent(&SARA, &lesson).await?;
        self.shows(SARA.name, at, &[text(Class::Absence, &SARA, 0)]).await?;
        self.clock.sleep_until(lesson.end).await;
        self.say("The lesson has ended. The attendance team is told without anybody asking.")?;
        self.shows(SARA.name, lesson.end, &[to_team(Class::Alert, SARA.name)]).await?;
        self.read_for(5).await;
        if !self.sender.takes_notes() {
            return Ok(());
        }
        self.say("The teacher reports it too, with a note. The team gets what is new.")?;
        let (at, _) = self.tell(&lesson, &[Word::Note(&SARA, NOTE)]).await?;
        self.shows(SARA.name, at, &[to_team(Class::Update, NOTE)]).await?;
        self.read_for(5).await;
        Ok(())
    }

    /// Goes through both queues behind everything else: what has not come by then does not come.
    async fn last_absence(&mut self, lesson: &Lesson) -> Result<(), DemoError> {
        self.step("The last absence of the day: one guardian reads texts, one mail")?;
        self.say("Astrid is marked absent.")?;
        let at = self.absent(&ASTRID, lesson).await?;
        let mail = Expected {
            class: Class::Absence,
            kind: Kind::Email,
            to: ASTRID.guardians[1].email,
            says: ASTRID.name,
        };
        self.shows(ASTRID.name, at, &[text(Class::Absence, &ASTRID, 0), mail]).await?;
        within(
            "the reports of delivery",
            self.sink.until(|all| {
                // A text taken this moment has no report yet, as one that will never have any.
                let told =
                    |m: &Received| !matches!(m.receipt, ReceiptState::None | ReceiptState::Pending);
                all.iter().all(|m| m.kind == Kind::Email || told(m))
            }),
        )
        .await?;
        self.read_for(4).await;
        Ok(())
    }
}

fn in_seconds(took: SignedDuration) -> String {
    seconds(i64::try_from(took.as_millis()).unwrap_or(i64::MAX))
}
