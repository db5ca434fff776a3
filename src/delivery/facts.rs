//! What a text may say, taken from a case. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::failing::task_id;
use super::fatigue::Kind;
use super::render::Making;
use crate::directory::entitled::{self, Candidate, Entitled, Known};
use crate::directory::{Directory, Pupil, School};
use crate::intake::case::Case;
use crate::message::facts::{
    GuardianFacts, PersonMissed, TeamCase, TeamGuardian, TeamLesson, task_word,
};
use crate::model::{
    Clock24, CorrectionKind, Lesson, LessonState, Notification, PupilId, Purpose, Reason,
    Recipient, State, TaskKind, local_date,
};
use crate::policy::hours;

/// The facts for a guardian or an adult pupil. `further`: the recipient already knows of another
/// lesson that day.
pub fn guardian(
    school: &School,
    pupil: &Pupil,
    case: &Case,
    n: &Notification,
    further: bool,
    now: Timestamp,
) -> GuardianFacts {
    let lesson = &case.lesson;
    let today = local_date(now, &school.zone);
    let registered = local_date(lesson.received_at, &school.zone);
    let clock = |at| Clock24::of(at, &school.zone).to_string();
    let renewed = case.told.iter().any(|t| {
        t.purpose == Purpose::Correction && t.recipient == n.recipient && t.may_have_arrived()
    });
    GuardianFacts {
        pupil: pupil.given_name.clone(),
        adult: n.recipient == Recipient::Pupil,
        start: clock(lesson.lesson.start),
        day: day_word(n.date, today),
        further,
        renewed: renewed && n.purpose == Purpose::Absence,
        late_registration: registered > n.date && registered == today,
        seen_late: if registered == n.date
            && today == n.date
            && lesson.received_at > lesson.lesson.end
        {
            clock(lesson.received_at)
        } else {
            String::new()
        },
        over: hours::is_over(school, lesson, n, now),
        correction: GuardianFacts::correction_word(n.correction),
        arrived: arrival(lesson, n.correction).map(clock).unwrap_or_default(),
        school: school.name.clone(),
        phone: school.phone.clone(),
        people: Vec::new(),
        count: 0,
        short: false,
        past_tense: false,
    }
}

/// Makes of the facts about one lesson those of a message that tells others too, or that is one line about one more.
pub fn together(facts: &mut GuardianFacts, m: &Making<'_>, lesson: &Lesson) {
    let start = lesson.start;
    if is_of_week(m) {
        week(facts, m, lesson, false);
        return;
    }
    if m.along.is_empty() && !matches!(m.kind, Kind::Short | Kind::Digest) {
        return;
    }
    let mut all = vec![(start, &m.n.pupil)];
    all.extend(m.along.iter().map(|one| (one.start, &one.n.pupil)));
    all.sort();
    facts.count = all.len();
    let mut people: Vec<(&PupilId, PersonMissed)> = Vec::new();
    for (start, id) in all {
        let time = Clock24::of(start, &m.school.zone).to_string();
        if let Some((_, one)) = people.iter_mut().find(|(known, _)| *known == id) {
            one.times = format!("{}, {time}", one.times);
            continue;
        }
        let name = m.directory.roster.pupil(&m.n.school, id).map(|pupil| pupil.given_name.clone());
        // Without a name the text cannot be made, and each leaves by itself.
        people.push((id, PersonMissed { pupil: name.unwrap_or_default(), times: time }));
    }
    facts.people = people.into_iter().map(|(_, one)| one).collect();
    facts.short = m.kind == Kind::Short && facts.count == 1;
    let is_over = !facts.day.is_empty() || !facts.seen_late.is_empty();
    facts.past_tense = !facts.short && (m.kind == Kind::Digest || is_over);
}

/// Whether a message tells lessons of several days, or of those that were kept for the end of the week.
pub fn is_of_week(m: &Making<'_>) -> bool {
    m.kind == Kind::Week || m.along.iter().any(|one| one.n.date != m.n.date)
}

/// Makes of them those of a message about a week: its days, by number so that every language has them, and when each
/// lesson was; `by_number`: how many there were each day, which is shorter.
pub fn week(facts: &mut GuardianFacts, m: &Making<'_>, lesson: &Lesson, by_number: bool) {
    let clock = |at| Clock24::of(at, &m.school.zone).to_string();
    let mut all = vec![(m.n.date, lesson.start, lesson.end)];
    all.extend(m.along.iter().map(|one| (one.n.date, one.start, one.end)));
    all.sort();
    let mut days: BTreeMap<Date, Vec<String>> = BTreeMap::new();
    for (date, start, end) in &all {
        days.entry(*date).or_default().push(format!("{}-{}", clock(*start), clock(*end)));
    }
    let numbers = |date: &Date| date.strftime("%-d/%-m").to_string();
    let (first, last) = (all[0].0, all[all.len() - 1].0);
    let today = local_date(m.now, &m.school.zone);
    let one_day = first == last;
    facts.day = if one_day {
        day_word(first, today)
    } else {
        format!("{}-{}", numbers(&first), numbers(&last))
    };
    let of_day = |(date, times): (&Date, &Vec<String>)| match (one_day, by_number) {
        (true, _) => times.join(", "),
        (false, true) => format!("{}: {}", numbers(date), times.len()),
        (false, false) => format!("{} {}", numbers(date), times.join(" ")),
    };
    let times: Vec<String> = days.iter().map(of_day).collect();
    facts.count = all.len();
    facts.people = vec![PersonMissed { pupil: facts.pupil.clone(), times: times.join(", ") }];
    (facts.short, facts.further, facts.past_tense) = (false, false, true);
}

fn day_word(day: Date, today: Date) -> String {
    if day == today {
        String::new()
    } else if today.yesterday().is_ok_and(|y| y == day) {
        "yesterday".into()
    } else {
        day.to_string()
    }
}

/// When a late pupil came, where the source counts minutes.
fn arrival(lesson: &LessonState, kind: Option<CorrectionKind>) -> Option<Timestamp> {
    if kind != Some(CorrectionKind::Arrived) {
        return None;
    }
    let missed = SignedDuration::from_mins(i64::from(lesson.minutes?.absent));
    let came = lesson.lesson.start.saturating_add(missed).ok()?;
    (lesson.lesson.start < came && came <= lesson.lesson.end).then_some(came)
}

/// The facts for the attendance team. `day`: the pupil's lessons of the day in order.
pub fn team(
    directory: &Directory,
    school: &School,
    pupil: Option<&Pupil>,
    case: &Case,
    day: &[LessonState],
    n: &Notification,
    now: Timestamp,
) -> TeamCase {
    let content_free = n.task.is_some_and(TaskKind::is_content_free);
    let pupil = pupil.filter(|_| !content_free);
    let mut facts = TeamCase {
        version: 1,
        kind: n.purpose.as_str().into(),
        case: crate::message::thread::case_number(&n.school, &n.pupil, n.date),
        school: school.id.to_string(),
        school_name: school.name.clone(),
        pupil: if n.task == Some(TaskKind::Protected) {
            String::new()
        } else {
            n.pupil.to_string()
        },
        pupil_name: pupil.map(full_name).unwrap_or_default(),
        class: pupil.and_then(|p| p.class.clone()).unwrap_or_default(),
        date: n.date.to_string(),
        reason: n.reason.as_str(),
        correction: GuardianFacts::correction_word(n.correction),
        task: task_word(n.task),
        lessons: Vec::new(),
        of_age: false,
        age_unknown: false,
        guardians: Vec::new(),
        mentor: String::new(),
        link: String::new(),
        made_at: now,
    };
    let Some(pupil) = pupil else { return facts };
    facts.lessons = day.iter().map(|l| team_lesson(school, l, &case.key.lesson)).collect();
    let today = local_date(now, &school.zone);
    facts.age_unknown = pupil.birth_date.is_none();
    facts.of_age = pupil.birth_date.is_some_and(|birth| entitled::is_of_age(birth, today));
    // A task about one number is about its owner alone.
    let about = case.told.iter().find(|told| task_id(&told.id) == n.id).map(|told| &told.recipient);
    facts.guardians = guardians(directory, school, pupil, case, about, now);
    facts.mentor = pupil
        .mentor
        .as_ref()
        .map(|id| {
            let named = directory.roster.staff.get(id).and_then(|s| s.name.clone());
            named.unwrap_or_else(|| id.to_string())
        })
        .unwrap_or_default();
    facts
}

pub(super) fn full_name(pupil: &Pupil) -> String {
    match &pupil.family_name {
        Some(family) => format!("{} {family}", pupil.given_name),
        None => pupil.given_name.clone(),
    }
}

fn team_lesson(school: &School, l: &LessonState, subject: &crate::model::LessonId) -> TeamLesson {
    let clock = |at| Clock24::of(at, &school.zone).to_string();
    let mark = l.mark.map(|m| serde_json::to_value(m).unwrap_or_default()).unwrap_or_default();
    TeamLesson {
        id: l.lesson.id.to_string(),
        label: l.lesson.label.clone().unwrap_or_default(),
        start: clock(l.lesson.start),
        end: clock(l.lesson.end),
        mark: mark.as_str().unwrap_or_default().into(),
        subject: l.lesson.id == *subject,
        reported_by: l.report.as_ref().map(|r| r.reported_by.clone()).unwrap_or_default(),
        note: l.report.as_ref().and_then(|r| r.note.clone()).unwrap_or_default(),
    }
}

fn guardians(
    directory: &Directory,
    school: &School,
    pupil: &Pupil,
    case: &Case,
    about: Option<&Recipient>,
    now: Timestamp,
) -> Vec<TeamGuardian> {
    let today = local_date(now, &school.zone);
    let roster = &directory.roster;
    let known = Known { whole_homes: true, ..Known::of(&case.accords) };
    let candidates = match entitled::recipients(school, pupil, roster, today, &known) {
        // A person can find out how old the pupil is, and then whom to ring.
        Entitled::Nobody(Reason::AgeUnknown) => {
            entitled::guardians_to_ring(school, pupil, roster, today)
        }
        Entitled::Nobody(_) => Vec::new(),
        Entitled::Adult(candidates) | Entitled::Guardians { candidates, .. } => candidates,
    };
    candidates
        .into_iter()
        .filter(|candidate| about.is_none_or(|recipient| *recipient == candidate.recipient))
        .filter_map(|candidate| {
            let (name, phone) = match &candidate.recipient {
                Recipient::Guardian(id) => {
                    let guardian = roster.guardians.get(id);
                    (guardian.and_then(|g| g.name.clone()), guardian.and_then(|g| g.phone.as_ref()))
                }
                Recipient::Pupil => (Some(full_name(pupil)), pupil.phone.as_ref()),
                Recipient::Staff(_)
                | Recipient::Member(_)
                | Recipient::Guest
                | Recipient::Agreed => return None,
            };
            let (told, told_at, failed) = told(school, case, &candidate);
            Some(TeamGuardian {
                name: name.unwrap_or_default(),
                phone: phone.map(|p| p.expose().to_owned()).unwrap_or_default(),
                told,
                told_at,
                failed,
            })
        })
        .collect()
}

/// What has become of the alarm to one reader: the word, the time, and the channels that failed first.
fn told(school: &School, case: &Case, reader: &Candidate) -> (String, String, Vec<String>) {
    let alarms: Vec<&Notification> = case
        .told
        .iter()
        .filter(|t| t.purpose == Purpose::Absence && t.recipient == reader.recipient)
        .collect();
    let Some((last, before)) = alarms.split_last() else {
        let word = if reader.contact.is_ok() { "not-told" } else { "no-contact" };
        return (word.into(), String::new(), Vec::new());
    };
    let at = last.attempts.last().map(|a| Clock24::of(a.started_at, &school.zone).to_string());
    let failed = before.iter().filter(|t| {
        t.revision == last.revision && matches!(t.state, State::Undelivered | State::Rejected)
    });
    let failed = failed.map(|t| t.channel.as_str().to_owned()).collect();
    (last.state.as_str().to_owned(), at.unwrap_or_default(), failed)
}
