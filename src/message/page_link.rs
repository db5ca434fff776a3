//! The links by which those who were mailed a case, or duties, come back to them: made, and opened again. A link names a
//! message, by its opaque id, and a time; nothing of a pupil is in it, and nobody can make one without the secret. Pure.
//!
//! A link is a capability: whoever holds it may look at what it was mailed with and record what came of that, until its
//! time is out. One of a case opens no page of duties, nor the other way round.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::model::NotificationId;

/// The version of the form of a token.
const VERSION: u8 = 1;
/// Version, id and time, before the signature.
const BODY: usize = 1 + 16 + 8;
/// What is signed beside a form's link and state, so that a signature over one thing is none over another.
const FORM: &[u8] = b"upprop case form";

/// Which page a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// That of a case.
    Case,
    /// That of duties.
    Duty,
}

impl Page {
    /// Where it is below the address of all pages.
    pub fn path(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Duty => "duty",
        }
    }

    /// What is signed beside a link's message and time.
    fn signed(self) -> &'static [u8] {
        match self {
            Self::Case => b"upprop case link",
            Self::Duty => b"upprop duty link",
        }
    }
}

/// Makes and opens links.
#[derive(Clone)]
pub struct PageLinks {
    url: String,
    key: Hmac<Sha256>,
    good_for: SignedDuration,
}

impl fmt::Debug for PageLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageLinks")
            .field("url", &self.url)
            .field("good_for", &self.good_for)
            .finish_non_exhaustive()
    }
}

/// Why a link does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// It is none of ours, or was changed or cut on its way.
    Unknown,
    /// Its time is out.
    Expired,
}

/// A link that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The message that it was mailed with.
    pub id: NotificationId,
    /// Until when it opens.
    pub until: Timestamp,
}

impl PageLinks {
    /// `url`: how staff reach this gateway, without a slash at the end. `good_for`: how long a link opens after its message
    /// was made.
    pub fn new(url: &str, secret: &SecretString, good_for: SignedDuration) -> Self {
        let key = Hmac::new_from_slice(secret.expose_secret().as_bytes());
        Self { url: url.to_owned(), key: key.expect("a key of any length is taken"), good_for }
    }

    /// The link of a message; the same each time that it is sent.
    pub fn link(&self, page: Page, id: &NotificationId, made_at: Timestamp) -> String {
        format!("{}/{}/{}", self.url, page.path(), self.token(page, id, made_at))
    }

    fn token(&self, page: Page, id: &NotificationId, made_at: Timestamp) -> String {
        let until = made_at.saturating_add(self.good_for).unwrap_or(Timestamp::MAX);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&raw(id));
        bytes.extend_from_slice(&until.as_second().to_be_bytes());
        let signature = self.sign(&[page.signed(), &bytes]);
        bytes.extend_from_slice(&signature);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Opens what stands behind a page's path. Takes as long for a link of a message that there is as for any other.
    ///
    /// # Errors
    /// See [`Shut`].
    pub fn open(&self, page: Page, token: &str, now: Timestamp) -> Result<Opened, Shut> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Shut::Unknown)?;
        let (body, signature) = bytes.split_at_checked(BODY).ok_or(Shut::Unknown)?;
        let signed = self.sign(&[page.signed(), body]);
        if !bool::from(signed.as_slice().ct_eq(signature)) || body[0] != VERSION {
            return Err(Shut::Unknown);
        }
        let second = body[17..].try_into().map(i64::from_be_bytes).map_err(|_| Shut::Unknown)?;
        let until = Timestamp::from_second(second).map_err(|_| Shut::Unknown)?;
        if now >= until {
            return Err(Shut::Expired);
        }
        let id = NotificationId::parse(&crate::model::hex(&body[1..17]));
        Ok(Opened { id: id.map_err(|_| Shut::Unknown)?, until })
    }

    /// What a form carries that was shown by a link in a state of what it shows.
    pub fn form(&self, token: &str, state: &str) -> String {
        let length = (token.len() as u64).to_be_bytes();
        let signature = self.sign(&[FORM, &length, token.as_bytes(), state.as_bytes()]);
        URL_SAFE_NO_PAD.encode(&signature[..18])
    }

    /// Whether a form was shown by this link in this state.
    pub fn is_form(&self, token: &str, state: &str, form: &str) -> bool {
        self.form(token, state).as_bytes().ct_eq(form.as_bytes()).into()
    }

    fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.key.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The sixteen bytes that an id's digits stand for.
fn raw(id: &NotificationId) -> [u8; 16] {
    u128::from_str_radix(id.as_str(), 16).unwrap_or_default().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn links(secret: &str) -> PageLinks {
        let secret = SecretString::from(secret.to_owned());
        PageLinks::new("https://u.example.se", &secret, SignedDuration::from_hours(24))
    }

    fn made() -> Timestamp {
        Timestamp::from_second(1_800_000_000).expect("a time")
    }

    #[test]
    fn a_link_opens_for_its_time_and_says_nothing() {
        let links = links("0123456789abcdef0123456789abcdef");
        let id = NotificationId::of(&["bjork", "p-17"]);
        let link = links.link(Page::Case, &id, made());
        assert_eq!(link, links.link(Page::Case, &id, made()), "sent twice it is the same");
        let token = link.strip_prefix("https://u.example.se/case/").expect("a token");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(token.chars().all(plain) && token.len() == 76, "{token}");
        let until = made() + SignedDuration::from_hours(24);
        assert_eq!(links.open(Page::Case, token, made()), Ok(Opened { id: id.clone(), until }));
        assert!(links.open(Page::Case, token, until - SignedDuration::from_secs(1)).is_ok());
        assert_eq!(links.open(Page::Case, token, until), Err(Shut::Expired));
        let other = PageLinks { good_for: SignedDuration::from_hours(48), ..links.clone() };
        assert_ne!(other.link(Page::Case, &id, made()), link);
        assert!(
            other.open(Page::Case, token, made()).is_ok(),
            "a link keeps the time that it was made with"
        );
        assert!(!format!("{links:?}").contains("0123"));
    }

    #[test]
    fn a_link_opens_pages_of_its_own_kind_alone() {
        let links = links("0123456789abcdef0123456789abcdef");
        let id = NotificationId::of(&["bjork", "p-17"]);
        for (page, other) in [(Page::Case, Page::Duty), (Page::Duty, Page::Case)] {
            let link = links.link(page, &id, made());
            let token = link.rsplit('/').next().expect("a token");
            assert!(link.contains(&format!("/{}/", page.path())), "{link}");
            assert!(links.open(page, token, made()).is_ok());
            assert_eq!(links.open(other, token, made()), Err(Shut::Unknown));
        }
    }

    /// One that was mailed by an earlier version.
    #[test]
    fn a_link_that_was_mailed_opens_for_good() {
        let links = links("0123456789abcdef0123456789abcdef");
        let token = "AaR89il3DkT_mTa3YddGk5cAAAAAa0sjgJJcNguWmD3JizPpX1nEbpJMF9XKPBK-9QSWjTcETwQG";
        let id = NotificationId::of(&["bjork", "p-17"]);
        let opened = links.open(Page::Case, token, made()).map(|opened| opened.id);
        assert_eq!(opened, Ok(id));
    }

    #[test]
    fn a_form_is_of_one_link_and_one_state() {
        let links = links("0123456789abcdef0123456789abcdef");
        let form = links.form("token", "state");
        assert!(links.is_form("token", "state", &form));
        for (token, state, form) in
            [("toke", "nstate", &*form), ("token", "other", &*form), ("token", "state", "x")]
        {
            assert!(!links.is_form(token, state, form), "{token} {state} {form}");
        }
    }

    proptest! {
        #[test]
        fn nothing_else_opens(at in 0usize..76, with in "[A-Za-z0-9_-]", cut in 0usize..76) {
            let links = links("0123456789abcdef0123456789abcdef");
            let token = links.token(Page::Case, &NotificationId::of(&["x"]), made());
            let mut forged = token.clone();
            forged.replace_range(at..=at, &with);
            if forged != token {
                prop_assert_eq!(links.open(Page::Case, &forged, made()), Err(Shut::Unknown));
            }
            prop_assert_eq!(links.open(Page::Case, &token[..cut], made()), Err(Shut::Unknown));
            let longer = format!("{token}{with}");
            prop_assert_eq!(links.open(Page::Case, &longer, made()), Err(Shut::Unknown));
            let stranger = super::tests::links("another secret of enough letters");
            prop_assert_eq!(stranger.open(Page::Case, &token, made()), Err(Shut::Unknown));
        }

        #[test]
        fn no_text_is_a_link(text in any::<String>()) {
            let links = links("0123456789abcdef0123456789abcdef");
            prop_assert_eq!(links.open(Page::Case, &text, made()), Err(Shut::Unknown));
        }
    }
}
