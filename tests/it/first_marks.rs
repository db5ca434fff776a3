//! Marks that are no absence: as the first word about a lesson they tell nobody anything.

use crate::inlet::Kept;
use crate::world::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn only_unexcused_is_told() {
    let mut world = Setup::default().start().await;
    let marks = [
        ("present", "present"),
        ("other_activity", "other-activity"),
        ("unknown", "unknown-mark"),
        ("late", "late"),
        ("left_early", "left-early"),
        ("excused", "excused"),
    ];
    // One lesson under way and one that is over: nothing for guardians nor for the team.
    for (mark, _) in marks {
        for ago in [5, 3700] {
            world.accept(&world.marked("alva", &format!("{mark}-{ago}"), mark, ago)).await;
        }
    }
    world.quiet(0).await;
    assert_eq!(world.stop(), Some(0));
    let trail = Kept::open(world.folder.path()).trail("s1", "alva").await;
    assert_eq!(trail.len(), 12);
    for (mark, reason) in marks {
        let line = format!("marked {mark}: suppress {reason}");
        assert_eq!(trail.iter().filter(|l| **l == line).count(), 2, "{line}: {trail:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_news_is_not_told() {
    let school = "stale-after = \"1h\"\n";
    let mut world = crate::world::Setup::default().prepare();
    crate::inlet::amend(&world, "stale-after = \"3d\"\n", school);
    world.start().await;
    // Over for two hours, and on both nights when the clocks change.
    world.accept(&world.marked("alva", "old", "unexcused", 3 * 3600)).await;
    for (lesson, start, end) in [
        ("summer", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
        ("winter", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"),
        ("spring", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"),
    ] {
        let mut event = world.marked("alva", lesson, "unexcused", 5);
        event["lesson"]["start"] = start.into();
        event["lesson"]["end"] = end.into();
        event["recorded_at"] = start.into();
        world.accept(&event).await;
    }
    world.quiet(0).await;
    assert_eq!(world.stop(), Some(0));
    let trail = Kept::open(world.folder.path()).trail("s1", "alva").await;
    assert_eq!(trail.len(), 4, "{trail:#?}");
    let team = "suppress staff:AttendanceTeam stale";
    // Of the first somebody can still make good; the others are history.
    let duty =
        format!("marked unexcused: suppress stale, notify staff:AttendanceTeam stale, {team}");
    assert_eq!(trail.first(), Some(&duty));
    for line in &trail[1..] {
        assert_eq!(*line, format!("marked unexcused: suppress stale, {team}"));
    }
}
