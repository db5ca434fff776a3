//! A claimed notification made into what goes on the wire. Text is made here and now, never stored
//! stale.

use bytes::Bytes;
use jiff::Timestamp;

use super::carried::Along;
use super::case_page;
use super::duty_page;
use super::facts;
use super::fatigue::Kind;
use super::shared::{Account, Shared};
use crate::channel::sms::SmsMessage;
use crate::directory::{Directory, School};
use crate::env::MailEnvelope;
use crate::intake::case::Case;
use crate::intake::case_words::words_of;
use crate::message::duty_list::DutyListFacts;
use crate::message::feedback::FeedbackFacts;
use crate::message::guest::TestFacts;
use crate::message::ladder::LadderFacts;
use crate::message::mail::{self, MailParts, Sender};
use crate::message::notice::NoticeFacts;
use crate::message::ring;
use crate::message::{Instead, MailText, SmsText, sms::Encoding, team, term_report, thread};
use crate::model::{
    Address, CaseWord, Channel, Clock24, EmailAddress, LessonState, Locale, MentorTold,
    Notification, PupilId, Purpose, Recipient,
};
use crate::store::{StoreError, ledger::Unit, tables};

/// Most parts of a text about a week that says when each lesson was.
const PARTS_OF_WEEK: u32 = 2;
/// Lessons of a day that are looked at.
const LESSONS_A_DAY: usize = 60;

/// What goes on the wire.
#[derive(Debug, Clone)]
pub enum Wired {
    /// A text.
    Sms(SmsMessage),
    /// A mail.
    Mail(MailEnvelope, Bytes),
}

/// A text that has been made.
#[derive(Debug, Clone)]
pub struct Made {
    /// What goes on the wire.
    pub wired: Wired,
    /// The languages that somebody at home reads it in; none: it is not read at home.
    pub languages: Vec<Locale>,
}

impl Made {
    fn not_for_home(wired: Wired) -> Self {
        Self { wired, languages: Vec::new() }
    }
}

/// Why a text could not be made; without personal data.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unmade(pub String);

/// Everything that a text is made from.
pub struct Making<'a> {
    /// What is shared.
    pub shared: &'a Shared,
    /// The directory in force.
    pub directory: &'a Directory,
    /// The school.
    pub school: &'a School,
    /// What it is made from.
    pub text: &'a Of<'a>,
    /// The notification.
    pub n: &'a Notification,
    /// By which account.
    pub account: Account<'a>,
    /// Where to.
    pub address: &'a Address,
    /// In which language, if there are templates for it.
    pub language: &'a Locale,
    /// How it is worded.
    pub(super) kind: Kind,
    /// Those whose lessons it tells too.
    pub(super) along: &'a [Along],
    /// Now.
    pub now: Timestamp,
}

/// What a text is made from.
#[derive(Clone)]
pub enum Of<'a> {
    /// A pupil's case.
    Case(&'a Case),
    /// A test, which is about nobody.
    Test,
    /// A notice, which is about no pupil; none: there is nothing to say.
    Notice(Option<NoticeFacts>),
}

/// Makes the text.
///
/// # Errors
/// The store's, outside; the template's, inside.
pub async fn render(unit: &Unit<'_>, m: &Making<'_>) -> Result<Result<Made, Unmade>, StoreError> {
    let case = match m.text {
        Of::Case(case) => *case,
        Of::Test => return Ok(test(m).map(Made::not_for_home)),
        Of::Notice(facts) => return Ok(notice(m, facts.as_ref()).map(Made::not_for_home)),
    };
    let key = &case.key;
    let mut day: Vec<LessonState> = if case.missing_elsewhere() || m.n.recipient_is_staff() {
        let from = tables::day(&key.school, &key.pupil, key.date);
        let to = crate::store::after_prefix(&from);
        unit.peek_range(&from, &to, LESSONS_A_DAY).await?
    } else {
        Vec::new()
    };
    day.sort_by(|a, b| (a.lesson.start, &a.lesson.id).cmp(&(b.lesson.start, &b.lesson.id)));
    if m.n.purpose == Purpose::CaseFeedback {
        let words = words_of(unit, &key.school, &key.pupil, key.date).await?;
        return Ok(feedback(m, &words).map(Made::not_for_home));
    }
    let further = knows_of_another(unit, m, case, &day).await?;
    Ok(make(m, case, &day, further))
}

/// Whether the recipient has been told of another lesson that day.
async fn knows_of_another(
    unit: &Unit<'_>,
    m: &Making<'_>,
    case: &Case,
    day: &[LessonState],
) -> Result<bool, StoreError> {
    if m.n.recipient_is_staff() {
        return Ok(false);
    }
    for lesson in day.iter().filter(|l| l.lesson.id != case.key.lesson && l.missing) {
        for id in &lesson.notifications {
            let told: Option<Notification> = unit.peek(&tables::notification(id)).await?;
            if told.is_some_and(|t| {
                t.purpose == Purpose::Absence
                    && t.recipient == m.n.recipient
                    && t.may_have_arrived()
            }) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// What a mentor hears of a word on a case: in the school's language.
fn feedback(m: &Making<'_>, words: &[CaseWord]) -> Result<Wired, Unmade> {
    let word = words.iter().find(|word| word.mentor == MentorTold::By(m.n.id.clone()));
    let word = word.ok_or_else(|| Unmade("what was recorded is gone".into()))?;
    let pupil = m.directory.roster.pupil(&m.n.school, &m.n.pupil);
    let pupil = pupil.ok_or_else(|| Unmade("the pupil is not in the directory".into()))?;
    let templates = &m.shared.templates;
    let locale = templates.pick_for_staff(&[m.language, &m.school.locale]).clone();
    let facts = FeedbackFacts {
        case: thread::case_number(&m.n.school, &m.n.pupil, m.n.date),
        school_name: m.school.name.clone(),
        pupil_name: facts::full_name(pupil),
        class: pupil.class.clone().unwrap_or_default(),
        date: m.n.date.to_string(),
        outcome: word.what.as_str().into(),
        who: String::new(),
    };
    let text = templates.render_feedback(&locale, &facts, m.school.subject_identity);
    mail(m, &locale, text.map_err(|e| Unmade(e.to_string()))?, None)
}

/// A test: in the school's language, of the school alone.
fn test(m: &Making<'_>) -> Result<Wired, Unmade> {
    let templates = &m.shared.templates;
    let locale = templates.wording(m.school, m.language).language;
    let facts = TestFacts {
        school: m.school.name.clone(),
        phone: m.school.phone.clone(),
        at: Clock24::of(m.now, &m.school.zone).to_string(),
    };
    if m.n.channel == Channel::Email {
        let text = templates.render_test_mail(&locale, &facts);
        return mail(m, &locale, text.map_err(|e| Unmade(e.to_string()))?, None);
    }
    let text = templates.render_test_sms(&locale, &facts, m.school.max_parts);
    sms(m, text.map_err(|e| Unmade(e.to_string()))?)
}

/// A notice: in the school's language.
fn notice(m: &Making<'_>, facts: Option<&NoticeFacts>) -> Result<Wired, Unmade> {
    let templates = &m.shared.templates;
    let locale = templates.pick_for_staff(&[m.language, &m.school.locale]).clone();
    let facts = facts.ok_or_else(|| Unmade("there is nothing to say".into()))?;
    let linked;
    let facts = match facts {
        NoticeFacts::Ladder(about) if !about.hidden && !about.duties.is_empty() => {
            let link = duty_page::link(m.shared, m.n).unwrap_or_default();
            linked = NoticeFacts::Ladder(Box::new(LadderFacts { link, ..about.as_ref().clone() }));
            &linked
        }
        NoticeFacts::DutyList(about) => {
            let link = duty_page::link(m.shared, m.n).unwrap_or_default();
            linked = NoticeFacts::DutyList(DutyListFacts { link, ..about.clone() });
            &linked
        }
        facts => facts,
    };
    match (m.n.channel, facts) {
        (Channel::Email, facts) => {
            let text = templates.render_notice_mail(&locale, m.n.purpose, facts);
            let attached = match facts {
                NoticeFacts::Term(facts) => {
                    Some((term_report::ATTACHMENT, facts.page(&locale).html().into_bytes()))
                }
                _ => None,
            };
            mail(m, &locale, text.map_err(|e| Unmade(e.to_string()))?, attached)
        }
        (Channel::Sms, NoticeFacts::Register(facts)) => {
            let parts = m.school.max_parts;
            let text = templates.render_register_sms(&locale, m.n.purpose, facts, parts);
            sms(m, text.map_err(|e| Unmade(e.to_string()))?)
        }
        (Channel::Sms, _) => Err(Unmade("this notice goes by mail alone".into())),
    }
}

fn make(m: &Making<'_>, case: &Case, day: &[LessonState], further: bool) -> Result<Made, Unmade> {
    let templates = &m.shared.templates;
    let pupil = m.directory.roster.pupil(&m.n.school, &m.n.pupil);
    let unmade = |e: &dyn std::fmt::Display| Unmade(e.to_string());
    if let Recipient::Staff(_) = m.n.recipient {
        let mut facts = facts::team(m.directory, m.school, pupil, case, day, m.n, m.now);
        facts.link = case_page::link(m.shared, m.n).unwrap_or_default();
        let locale = templates.pick_for_staff(&[m.language, &m.school.locale]).clone();
        let text = templates
            .render_team_mail(&locale, &facts, m.school.subject_identity)
            .map_err(|e| unmade(&e))?;
        let attached = team::attachment(&facts).map(|json| (team::ATTACHMENT, json));
        return mail(m, &locale, text, attached).map(Made::not_for_home);
    }
    if m.n.purpose == Purpose::AskToRing {
        let text = ring::text(&m.school.locale, &m.school.phone).map_err(|e| unmade(&e))?;
        return sms(m, text).map(Made::not_for_home);
    }
    let pupil = pupil.ok_or_else(|| Unmade("the pupil is not in the directory".into()))?;
    let mut facts = facts::guardian(m.school, pupil, case, m.n, further, m.now);
    if m.n.purpose == Purpose::Absence {
        facts::together(&mut facts, m, &case.lesson.lesson);
    }
    let wording = templates.wording(m.school, m.language);
    if let Some(instead) = wording.instead {
        let (school, language, used) = (&m.school.id, m.language, &wording.language);
        match instead {
            Instead::NoTexts => tracing::warn!(
                %school, %language, %used,
                "there are no texts in a reader's language; correct it in the directory, or add texts"
            ),
            Instead::NotReviewed => tracing::info!(
                %school, %language, %used,
                "no native reader has reviewed the texts in a reader's language"
            ),
        }
    }
    match (m.address, m.account) {
        (Address::Phone(_), Account::Sms(_)) => {
            let worded = |facts: &_, most| templates.worded_sms(&wording, m.n.purpose, facts, most);
            if m.n.purpose == Purpose::Absence && facts::is_of_week(m) {
                let most = m.school.max_parts.min(PARTS_OF_WEEK);
                let long = worded(&facts, most).ok();
                let fits = |(text, languages): &(SmsText, Vec<Locale>)| {
                    text.parts.parts <= most && languages.contains(&wording.language)
                };
                if let Some((text, languages)) = long.filter(fits) {
                    return Ok(Made { wired: sms(m, text)?, languages });
                }
                facts::week(&mut facts, m, &case.lesson.lesson, true);
            }
            let (text, languages) = worded(&facts, m.school.max_parts).map_err(|e| unmade(&e))?;
            Ok(Made { wired: sms(m, text)?, languages })
        }
        (Address::Email(_), Account::Mail(_)) => {
            let (text, languages) =
                templates.worded_mail(&wording, m.n.purpose, &facts).map_err(|e| unmade(&e))?;
            let locale = languages.first().unwrap_or(&wording.schools);
            Ok(Made { wired: mail(m, locale, text, None)?, languages })
        }
        _ => Err(Unmade("the address does not fit the channel".into())),
    }
}

fn sms(m: &Making<'_>, made: SmsText) -> Result<Wired, Unmade> {
    let (Account::Sms(provider), Address::Phone(phone)) = (m.account, m.address) else {
        return Err(Unmade("the address does not fit the channel".into()));
    };
    let sender = match (m.n.purpose, &m.school.people.neutral_sender_id) {
        (Purpose::AskToRing, Some(neutral)) => neutral.clone(),
        (Purpose::AskToRing, None) => return Err(Unmade("there is no neutral sender".into())),
        _ => m.school.sender_id.clone(),
    };
    Ok(Wired::Sms(SmsMessage {
        id: m.n.id.clone(),
        sender,
        to: phone.clone(),
        unicode: made.parts.encoding == Encoding::Ucs2,
        at: m.now,
        text: made.text,
        receipt_url: provider.receipt_url.clone(),
        expires_at: m.n.deadline,
    }))
}

fn mail(
    m: &Making<'_>,
    locale: &Locale,
    text: MailText,
    attached: Option<(&str, Vec<u8>)>,
) -> Result<Wired, Unmade> {
    let (Account::Mail(account), Address::Email(to)) = (m.account, m.address) else {
        return Err(Unmade("the address does not fit the channel".into()));
    };
    let n = m.n;
    // What a notice is about stands where others have a pupil: its mails are one conversation.
    let about = PupilId::new(n.lesson.as_str()).ok().filter(|_| n.purpose.is_notice());
    let about = about.as_ref().unwrap_or(&n.pupil);
    let reply_to: Option<EmailAddress> = account.reply_to.clone().or_else(|| match n.recipient {
        Recipient::Staff(_) | Recipient::Member(_) => None,
        _ => m.school.team_email.clone(),
    });
    let bytes = mail::build(&MailParts {
        from: Sender {
            name: account.from_name.clone().unwrap_or_else(|| m.school.name.clone()),
            address: account.from.clone(),
        },
        reply_to,
        to: to.clone(),
        text,
        locale: locale.clone(),
        message_id: thread::message_id(&n.id, &account.domain),
        thread: Some(thread::thread_id(&n.school, about, n.date, &n.recipient, &account.domain)),
        date: m.now,
        attachment: attached.map(|(name, bytes)| (name.to_owned(), bytes)),
    })
    .map_err(|e| Unmade(e.to_string()))?;
    Ok(Wired::Mail(MailEnvelope { from: account.from.clone(), to: to.clone() }, bytes))
}
