//! A gateway that takes ISO-8859-1: Swedish letters are one byte each, Polish ones lose their accents,
//! and a name in another script is not sent as question marks: its reader is told another way.

use crate::gateway::{Gateway, world_of};
use crate::world::Setup;

const FORM: &str = r#"
url = "{url}/send"
auth = "none"
charset = "iso-8859-1"
content-type = "application/x-www-form-urlencoded; charset=ISO-8859-1"
fields = { to = "{to}", text = "{text}" }
reference-at = "^ID: ([0-9]+)$"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_carried_folded_or_go_another_way() {
    let gateway = Gateway::start(|n, _| (200, format!("ID: {n}"))).await;
    let mut setup = Setup::default();
    for (id, phone, name) in [("pl", "070-174 06 20", "Łukasz"), ("uk", "070-174 06 21", "Олена")]
    {
        setup = setup.family(id, phone, &format!("{id}@hem.example"), "sms");
        setup.pupils.last_mut().expect("just added").1 = name.into();
    }
    let world = world_of(setup, &gateway, FORM, &[]).await;
    world.accept(&world.marked("pl", "l1", "unexcused", 5)).await;
    let asked = &gateway.asked(1, &world).await[0];
    let body = asked.text();
    assert!(body.contains("text=Hej%21+Lukasz+%E4r+inte+registrerad"), "{body}");

    world.accept(&world.marked("uk", "l1", "unexcused", 5)).await;
    world.logged("outcome=\"reject-message\" code=\"not-in-charset\"", 1).await;
    let all = world.messages(1).await;
    assert_eq!(all[0].to, "uk@hem.example");
    assert!(all[0].text.contains("Олена"), "{}", world.shown());
    gateway.asked(1, &world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_left_says_nothing_of_the_account() {
    let gateway = Gateway::start(|_, _| (401, String::new())).await;
    let mut setup = Setup::default().family("uk", "070-174 06 21", "uk@hem.example", "sms");
    setup.pupils.last_mut().expect("just added").1 = "Олена".into();
    let mut world = world_of(setup, &gateway, FORM, &[]).await;
    world.accept(&world.marked("nils", "l1", "unexcused", 5)).await;
    world.logged("outcome=\"reject-channel\"", 1).await;
    world.accept(&world.marked("nils", "l1", "present", 5)).await;
    world.accept(&world.marked("uk", "l1", "unexcused", 5)).await;
    world.kill();
    world.start().await;
    // The one that goes first to see whether the account is mended is one that cannot be sent.
    world.logged("code=\"not-in-charset\"", 1).await;
    world.messages(1).await;
    assert_eq!(world.lines("account is well again"), 0, "{}", world.log());
    gateway.asked(1, &world).await;
}
