//! Faults as typed on a command line.

use crate::sim::sink::{
    At, HttpFault, HttpRule, On, Plan, RetryAfter, SmtpFault, SmtpReply, SmtpRule, When,
};

#[test]
fn words_become_rules() {
    let rule = HttpRule::new(HttpFault::Unavailable);
    assert_eq!("503".parse(), Ok(rule.clone()));
    assert_eq!("unavailable:next=3".parse(), Ok(rule.clone().next(3)));
    let when = When { to: Some("+46701740605".into()), ..When::default() };
    assert_eq!(
        "503:to=+46701740605,retry-after=date+60,on=lookup,stored=yes".parse(),
        Ok(HttpRule {
            when,
            retry_after: Some(RetryAfter::Date(60)),
            on: On::Lookup,
            stored: Some(true),
            ..rule
        })
    );
    let refusal = SmtpReply::new("450 4.2.0 Mailbox busy, try again later").expect("refusal");
    assert_eq!(
        "rcpt:450:next=1".parse(),
        Ok(SmtpRule::new(At::Rcpt, SmtpFault::Reply(refusal)).next(1))
    );
    let drop = SmtpRule::new(At::EndOfData, SmtpFault::Drop);
    assert_eq!("end-of-data:drop:stored=no".parse(), Ok(SmtpRule { stored: Some(false), ..drop }));
    assert_eq!("late-sent".parse(), Ok(Plan::LateSent));
}

#[test]
fn wrong_words_are_explained() {
    for (text, words) in [
        ("rain", "unknown variant `rain`, expected one of"),
        ("503:often", "\"often\" is no NAME=VALUE"),
        ("503:every=0", "every=0 is no number"),
        ("503:share=2", "between 0 and 1"),
        ("503:colour=red", "known are every"),
        ("503:stored=maybe", "neither yes nor no"),
    ] {
        let found = text.parse::<HttpRule>().expect_err(text);
        assert!(found.contains(words), "{text}: {found}");
    }
    for (text, words) in [
        ("rcpt", "give AT:FAULT"),
        ("lunch:450", "unknown variant `lunch`"),
        ("rcpt:250", "is no refusal"),
        ("rcpt:4501", "is no refusal"),
        ("rcpt:450:on=lookup", "known are every"),
    ] {
        let found = text.parse::<SmtpRule>().expect_err(text);
        assert!(found.contains(words), "{text}: {found}");
    }
    assert!("sometimes".parse::<Plan>().is_err());
}
