//! Shadow, guests, live: everything is decided in each, and leaves only where it may.

use upprop::model::{Reason, State};

use crate::inlet::{Kept, put_file};
use crate::world::{Setup, World};

/// The log with what the dispatcher drops.
const TALKATIVE: &str = "[log]\nfilter = \"info,upprop=debug\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn in_shadow_all_is_decided_and_nothing_sent() {
    let setup = Setup { mode: "shadow", extra: TALKATIVE.into(), ..Setup::default() };
    let mut world = setup.start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 3700)).await;
    world.accept(&world.marked("hemlig", "l1", "unexcused", 5)).await;
    // Two guardians and the team for one, the team for the other.
    world.logged("reason=shadow-mode", 4).await;
    world.accept(&world.marked("alva", "l1", "present", 3700)).await;
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 0);
    let kept = Kept::open(world.folder.path());
    let told = kept.notifications().await;
    assert_eq!(told.len(), 4, "and no correction of what nobody was told");
    for n in &told {
        let end = (n.state, n.state_reason, n.attempts.len());
        assert_eq!(end, (State::Cancelled, Some(Reason::ShadowMode), 0), "{n:?}");
    }
    let trail = kept.trail("s1", "alva").await;
    assert_eq!(
        trail[0],
        "marked unexcused: notify guardian:g-alva-1 unexcused-absence, \
         notify guardian:g-alva-2 unexcused-absence, \
         notify staff:AttendanceTeam not-arrived-by-lesson-end"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_alone_are_told() {
    let setup = Setup {
        mode: "guests",
        school: "guests = [\"070-1740606\", \"team@skola.example\"]\n".replace("070-", "+4670"),
        extra: TALKATIVE.into(),
        ..Setup::default()
    };
    let mut world = setup.start().await;
    world.accept(&world.marked("alva", "l1", "unexcused", 3700)).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("reason=not-a-guest", 2).await;
    let all = world.messages(2).await;
    let mut to: Vec<_> = all.iter().map(|m| m.to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["+46701740606", "team@skola.example"]);
    // The correction goes to those who were told, and to nobody else.
    world.accept(&world.marked("alva", "l1", "late", 3700)).await;
    world.messages(4).await;
    assert_eq!(world.stop(), Some(0));
    assert_eq!(world.sink.count(), 4);
    let told = Kept::open(world.folder.path()).notifications().await;
    let left = told.iter().filter(|n| !n.attempts.is_empty()).count();
    assert_eq!((told.len(), left), (6, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_school_in_shadow_beside_one_that_is_live() {
    let extra = format!(
        "{TALKATIVE}[schools.s2]\nname = \"Skuggskolan\"\nmode = \"shadow\"\n\
         team-email = \"skugga@skola.example\"\nphone = \"070-174 06 88\"\n\
         sms-provider = \"elks\"\nquiet-hours = \"off\"\n"
    );
    let mut world = Setup { extra, ..Setup::default() }.prepare();
    let pupils = "id,school,given-name,birth-date,protection\n\
                  nils,s1,Nils,2012-01-15,none\nnils,s2,Nils,2012-01-15,none\n";
    let guardians = "pupil,school,guardian,phone,may-receive\n\
                     nils,s1,g-nils,070-174 06 07,yes\nnils,s2,g-nils,070-174 06 07,yes\n";
    put_file(&world, "directory/pupils.csv", pupils);
    put_file(&world, "directory/guardians.csv", guardians);
    world.start().await;
    let mut other = world.marked("nils", "l1", "unexcused", 5);
    other["school"] = "s2".into();
    world.accept(&other).await;
    world.logged("reason=shadow-mode", 1).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    let texts = World::texts(&world.messages(1).await);
    assert!(texts[0].1.ends_with("Björkskolan"), "{texts:?}");
    world.quiet(1).await;
}
