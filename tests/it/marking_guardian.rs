//! A guardian who made the mark, as the pupil's teacher, is not told of it where the school says so; the other
//! guardian is.

use std::fs;

use serde_json::Value;

use crate::world::{Setup, World, upprop};

fn by(world: &World, pupil: &str, lesson: &str, mark: &str, teacher: &str) -> Value {
    let mut event = world.marked(pupil, lesson, mark, 5);
    event["recorded_by"] = teacher.into();
    event
}

/// A world in which guardians of Alva and of Nils are teachers.
async fn world(school: &str) -> World {
    let mut world = Setup { school: school.into(), ..Setup::default() }.prepare();
    let staff = "id,school,role,name,email,phone\n\
                 t-17,s1,teacher,Lärare Ett,,070-174 06 05\n\
                 t-18,s1,teacher,Lärare Två,nils.g@hem.example,\n";
    fs::write(world.folder.path().join("directory/staff.csv"), staff).expect("staff");
    world.start().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn the_teacher_is_not_told_as_a_guardian_and_the_other_guardian_is() {
    let world = world("mute-marking-guardian = true\n").await;
    world.accept(&by(&world, "alva", "l1", "unexcused", "t-17")).await;
    assert_eq!(world.messages(1).await[0].to, "+46701740606", "{}", world.shown());
    // By the address; nobody is left, and staff have nothing to do.
    world.accept(&by(&world, "nils", "l1", "unexcused", "t-18")).await;
    let config = world.config();
    let (_, why, _) = upprop(&["why", "nils", "--config", config.to_str().expect("a path")]);
    assert!(why.contains("is the teacher who made the mark"), "{why}");
    // Put right as far as told.
    world.accept(&by(&world, "alva", "l1", "present", "t-17")).await;
    assert_eq!(world.messages(2).await[1].to, "+46701740606", "{}", world.shown());
    // Another teacher's mark is told to both.
    world.accept(&by(&world, "alva", "l2", "unexcused", "t-18")).await;
    world.messages(4).await;
    world.quiet(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_school_does_not_say_so_both_are_told() {
    let world = world("").await;
    world.accept(&by(&world, "alva", "l1", "unexcused", "t-17")).await;
    world.messages(2).await;
    world.quiet(2).await;
}
