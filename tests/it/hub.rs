//! A daemon that asks a school system by SS 12000: the real binary, and a made-up school that answers it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio_util::task::TaskTracker;
use upprop::env::{Clock as _, SystemClock};
use upprop::sim::school::{Access, Act, Marking, PupilCard, Quirks, School, SchoolSettings};

use crate::world::{Setup, World};

const TOKEN: &str = "hub-token-0123456789abcdef";
/// The secret part of the address that the source calls.
pub const CALL: &str = "call-0123456789abcdef0123456789";

/// As many of the school's first pupils, at most, are protected: their own marks say so, whatever the directory says.
const PROTECTED: usize = 2;

/// A world, and the school system that it asks.
pub struct Hub {
    pub world: World,
    pub school: School,
    pub pupils: Vec<PupilCard>,
    /// Those whom the school system protects and our directory does not.
    pub protected: Vec<PupilCard>,
}

/// A pupil's guardian rings from here.
pub fn number(index: usize) -> String {
    format!("+467017406{:02}", 10 + index)
}

impl Hub {
    /// Makes both, and starts neither. `lines` go to the source's table; `pupils` without protection are at the
    /// school besides those of every world.
    pub fn prepare(quirks: &str, pupils: usize, lines: &str) -> Self {
        let quirks: Quirks = quirks.parse().expect("quirks");
        let settings = SchoolSettings {
            pupils: pupils + PROTECTED,
            timetable: false,
            days_back: 0,
            days_ahead: 0,
            page: 3,
            access: Access { bearer: Some(TOKEN.into()), ..Access::default() },
            quirks,
            ..SchoolSettings::default()
        };
        let tracker = TaskTracker::new();
        let clock = Arc::new(SystemClock::new());
        let school = School::start(settings, clock, &tracker).expect("a school");
        let (mut open, protected): (Vec<_>, Vec<_>) =
            school.pupils().into_iter().partition(|pupil| pupil.marking == Marking::Ingen);
        open.truncate(pupils);
        let pupils = open;
        let mut setup = Setup { delivery: "settle = \"3s\"\n".into(), ..Setup::default() };
        for (index, pupil) in pupils.iter().enumerate() {
            let id = pupil.id.to_string();
            setup = setup.family(&id, &number(index), "", "sms");
        }
        for (index, pupil) in protected.iter().enumerate() {
            setup = setup.family(&pupil.id.to_string(), &number(80 + index), "", "sms");
        }
        let organisation = pupils[0].school.expect("a school").to_string();
        let table = format!(
            "\n[ss12000.hub]\nurl = \"{}\"\nauth = \"bearer\"\ntoken-file = \"secrets/hub\"\n\
             gives = [\"schedule\", \"attendance\"]\nschools = {{ s1 = \"{organisation}\" }}\n{lines}\n",
            school.url()
        );
        setup.school.push_str(&table);
        let world = setup.prepare();
        for (name, text) in [("hub", TOKEN), ("call", CALL)] {
            let path = world.folder.path().join("secrets").join(name);
            fs::write(&path, text).expect("secret");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        }
        Self { world, school, pupils, protected }
    }

    /// The same with its daemon, which has asked for the first time.
    pub async fn start(quirks: &str, pupils: usize, lines: &str) -> Self {
        let mut hub = Self::prepare(quirks, pupils, lines);
        hub.world.start().await;
        hub.asked().await;
        hub
    }

    /// Waits until it has asked, after a start.
    pub async fn asked(&self) {
        self.world.logged("marks are asked for in this way", 1).await;
    }

    /// A lesson of an hour that began `ago` minutes ago; its id.
    pub fn lesson(&self, name: &str, ago: i64) -> String {
        let start = SystemClock::new().now() - SignedDuration::from_mins(ago);
        let end = start + SignedDuration::from_hours(1);
        let group = self.pupils[0].class.clone();
        let add = Act::AddLesson { group, name: name.into(), start, end, kind: None };
        self.school.act(add).expect("a lesson").id.expect("its id").to_string()
    }

    /// The pupil's id.
    pub fn pupil(&self, index: usize) -> String {
        self.pupils[index].id.to_string()
    }

    /// Something happens at the school.
    pub fn act(&self, act: Act) {
        self.school.act(act).expect("it happens");
    }

    /// A pupil is missing, in a register that is closed with it.
    pub fn absent(&self, index: usize, lesson: &str) {
        let (pupil, lesson) = (self.pupil(index), lesson.to_owned());
        self.act(Act::Absent { pupil, lesson, reported: true });
    }

    /// An excuse comes in.
    pub fn excuse(&self, index: usize, lesson: &str) {
        let (pupil, lesson) = (self.pupil(index), lesson.to_owned());
        self.act(Act::Excuse { pupil, lesson, reason: None });
    }

    /// The texts to a pupil's guardian, in order.
    pub fn texts(&self, index: usize) -> Vec<String> {
        let to = number(index);
        let all = self.world.sink.messages();
        all.iter().filter(|m| m.to == to).map(|m| m.text.clone()).collect()
    }

    /// Waits until a pupil's guardian has so many texts.
    pub async fn told(&self, index: usize, n: usize) -> Vec<String> {
        let to = number(index);
        let met = self.world.sink.until(|all| all.iter().filter(|m| m.to == to).count() >= n);
        let met = tokio::time::timeout(PATIENCE, met).await;
        let (shown, log) = (self.world.shown(), self.world.log());
        assert!(met.is_ok(), "waited for {n} texts to {to}:\n{shown}\n{log}");
        self.texts(index)
    }
}

/// An attempt that a kill leaves in doubt is asked about twice, half a minute apart.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(4);

/// The instant so many minutes from now.
pub fn in_minutes(minutes: i64) -> Timestamp {
    SystemClock::new().now() + SignedDuration::from_mins(minutes)
}
