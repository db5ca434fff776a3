//! Attacks on the daemon as a stranger, a careless sender, a provider, somebody with a name, or
//! another user of the machine could make them. The table leads from each line of the security
//! checklist to the tests that hold it, here and where they stand beside what they test;
//! `the_table_names_tests_that_are_there` holds the table to the truth.
//!
//! | What is asked | Tests |
//! |---|---|
//! | **Webhook** | |
//! | A signature over the raw bytes of id, time and body, checked before anything is read | `tests/it/attacks/webhooks.rs::a_signature_is_over_the_bytes_as_they_came`, `tests/it/attacks/webhooks.rs::id_time_and_body_cannot_be_cut_anew`, `src/source/webhook/auth_tests.rs::the_vector_of_the_standard_verifies`, `src/source/webhook/auth_tests.rs::any_change_to_what_was_signed_is_seen` |
//! | Headers that come twice or folded are none | `tests/it/attacks/webhooks.rs::signed_headers_that_come_twice_are_none`, `tests/it/attacks/http.rs::credentials_that_come_twice_or_folded_are_none` |
//! | Five minutes either way | `tests/it/signatures.rs::strangers_late_comers_and_forgers_are_refused_without_a_word`, `src/source/webhook/auth_tests.rs::time_is_bounded_both_ways` |
//! | A replay is answered 2xx and counts once, after a crash too; after its time it is refused | `tests/it/signatures.rs::a_signed_request_is_taken_and_its_replay_is_answered_alike`, `tests/it/attacks/webhooks.rs::what_was_heard_once_is_told_once_until_its_time_and_refused_after_it` |
//! | Two secrets at once, for rotation | `tests/it/signatures.rs::two_secrets_are_good_while_one_is_changed_for_the_other`, `src/source/webhook/auth_tests.rs::both_secrets_work_during_rotation` |
//! | The same 401 for every failure and every source | `tests/it/credentials.rs::a_refusal_is_the_same_for_every_source_known_or_not`, `tests/it/signatures.rs::strangers_late_comers_and_forgers_are_refused_without_a_word` |
//! | Bounded work for a stranger's signatures | `src/source/webhook/auth_tests.rs::the_number_of_signatures_is_bounded` |
//! | A source speaks for its own schools, no faster than it may | `tests/it/credentials.rs::a_source_reports_for_its_own_schools_and_no_faster_than_it_may` |
//! | Delivery reports only from who was given the address | `tests/it/receipts.rs::nobody_without_the_secret_is_heard` |
//! | **HTTP** | |
//! | A body has a limit before it is held | `tests/it/too_much.rs::two_megabytes_are_refused_declared_or_not`, `tests/it/attacks/http.rs::chunks_and_trailers_carry_nothing_past_the_limits` |
//! | Bodies are not unpacked | `tests/it/attacks/http.rs::compressed_bodies_are_not_unpacked` |
//! | JSON without depth, numbers without end, letters that look alike | `tests/it/too_much.rs::deep_json_is_refused_and_costs_nothing`, `tests/it/attacks/http.rs::numbers_without_end_and_odd_letters_are_refused_in_words` |
//! | Slow heads and bodies, idle, half open and endless connections, readers that do not read | `tests/it/too_much.rs::slow_heads_and_bodies_are_let_go`, `tests/it/too_much.rs::idle_connections_by_the_hundred_only_delay_others`, `tests/it/attacks/http.rs::whoever_hangs_up_in_the_middle_is_forgotten`, `src/web/server_tests.rs::whoever_reads_nothing_of_an_answer_is_cut_off`, `src/web/server_tests.rs::a_busy_connection_is_closed_after_its_lifetime` |
//! | Limits on fields and connections | `tests/it/too_much.rs::heads_with_too_many_or_too_long_fields_are_refused`, `src/web/server_tests.rs::idle_connections_over_the_cap_do_not_block_the_door` |
//! | An answer in time, or 503 | `src/web/server_tests.rs::an_answer_that_takes_too_long_is_a_503_that_says_when` |
//! | Nothing to smuggle behind a proxy | `tests/it/attacks/http.rs::a_body_has_one_length_or_the_request_is_refused`, `tests/it/attacks/http.rs::what_comes_after_a_body_of_two_lengths_is_not_a_request`, `tests/it/attacks/http.rs::paths_and_methods_lead_nowhere_else` |
//! | **SSRF** | |
//! | Hosts from the configuration only; none where no gateway is, however written | `tests/it/attacks/addresses.rs::a_gateway_is_nowhere_that_no_gateway_is`, `src/model/endpoint.rs::no_service_is_at_some_addresses_however_they_are_written`, `src/model/endpoint.rs::only_https_leaves_the_machine`, `src/channel/sms/http/address.rs::no_value_changes_the_address` |
//! | Asked again after the name is resolved | `src/env/wire/names.rs::only_addresses_where_a_gateway_can_be_are_left`, `src/env/wire/names.rs::a_name_that_leads_nowhere_is_told_of_and_not_called`, `src/env/wire/tests.rs::where_no_service_is_nothing_is_sent` |
//! | Inner gateways over https, which shows who they are | `tests/it/attacks/addresses.rs::over_https_a_name_that_leads_elsewhere_gets_nothing`, `src/env/tls_tests.rs::the_wire_trusts_its_own_authority_and_no_stranger` |
//! | No redirects | `tests/it/attacks/addresses.rs::no_answer_of_a_gateway_sends_us_elsewhere`, `src/env/wire/tests.rs::a_redirect_is_an_answer_not_an_order` |
//! | Answers have a limit | `src/env/wire/tests.rs::an_oversized_answer_is_refused_with_and_without_a_length`, `src/env/wire/tests.rs::a_slow_drip_ends_at_the_total_time_out` |
//! | **Injection** | |
//! | Line breaks in subject, names, addresses, commands of SMTP | `tests/it/attacks/mail.rs::nothing_in_the_configuration_is_a_header_or_a_command`, `tests/it/attacks/mail.rs::names_and_notes_stay_text_all_the_way_to_the_mailbox`, `tests/it/attacks/mail.rs::fields_that_could_be_headers_are_ids_or_are_refused`, `tests/it/nasty_names.rs::nothing_in_a_name_is_an_order`, `src/message/mail_tests.rs::what_cannot_be_a_header_is_refused` |
//! | Encoded words in a name | `tests/it/attacks/mail.rs::names_and_notes_stay_text_all_the_way_to_the_mailbox`, `src/message/clean.rs::nothing_in_a_header_is_decoded` |
//! | HTML and templates | `tests/it/attacks/mail.rs::names_and_notes_stay_text_all_the_way_to_the_mailbox`, `src/message/engine.rs::escapes_html_alone_and_reads_no_value_as_a_template`, `src/message/engine.rs::refuses_null_undefined_and_endless`, `tests/it/attacks/files.rs::nothing_in_the_template_folder_leads_out_of_it` |
//! | Log lines, terminals, turned writing | `tests/it/attacks/logs.rs::nobody_else_writes_a_line_of_the_log`, `src/message/clean.rs::names_of_files_move_no_cursor`, `src/model/unseen.rs::names_of_any_script_are_seen` |
//! | Formulas: no sheet is written, and JSON is what it says | `tests/it/attacks/mail.rs::names_and_notes_stay_text_all_the_way_to_the_mailbox` |
//! | A text to a provider stays in its place | `src/channel/sms/http/address.rs::no_value_changes_the_address`, `src/channel/sms/http/xml.rs::no_text_changes_the_document` |
//! | Files that others put beside ours | `tests/it/attacks/files.rs::a_pipe_or_a_device_in_the_directory_folder_holds_nothing_up`, `tests/it/attacks/files.rs::a_link_out_of_the_directory_folder_shows_nothing_of_what_it_leads_to` |
//! | **Secrets and people** | |
//! | In files of their owner, never in the configuration | `tests/it/attacks/files.rs::a_secret_is_an_ordinary_file_of_its_owner`, `tests/it/attacks/secrets.rs::a_secret_in_the_wrong_place_is_told_of_and_not_repeated`, `src/config/secret.rs::files_that_will_not_do` |
//! | Not in arguments or environment | `tests/it/attacks/secrets.rs::the_process_shows_no_secret_to_others_on_the_machine` |
//! | Not in logs, at any level, nor printed, nor in a panic | `tests/it/log_privacy.rs::a_whole_day_leaves_nobody_in_the_log`, `tests/it/attacks/secrets.rs::the_libraries_say_nothing_however_much_is_asked_of_them`, `src/source/webhook/auth_tests.rs::nothing_printed_shows_a_secret`, `src/cli/run.rs::a_panic_shows_no_value` |
//! | Nothing that is written can be read by others on the machine | `tests/it/attacks/files.rs::others_on_the_machine_read_nothing_of_what_is_written` |
//! | **Supply chain** | |
//! | Licences, versions, sources and advisories | `.deny.toml`, asked by `.ci/run` |
//!
//! Not here yet, as what they attack is not: action links, the admin pages and their sign-in, the
//! systemd unit, erasure of a person's data.

mod addresses;
mod files;
mod http;
mod logs;
mod mail;
mod secrets;
mod webhooks;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// `file::test` for every test that the table names.
fn named() -> BTreeSet<(String, String)> {
    let rows = include_str!("mod.rs").lines().filter(|line| line.starts_with("//! |"));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let tests = quoted.filter_map(|word| word.split_once("::"));
    tests.map(|(file, test)| (file.to_owned(), test.to_owned())).collect()
}

/// The names of the tests in a file.
fn tests_of(text: &str) -> Vec<String> {
    let mut tests = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim_start) {
        let name = line.trim_start_matches("async ").strip_prefix("fn ");
        match name.and_then(|rest| rest.split('(').next()) {
            Some(name) if marked => tests.push(name.to_owned()),
            _ => {}
        }
        marked = line.starts_with("#[test]")
            || line.starts_with("#[tokio::test")
            || marked && name.is_none() && !line.is_empty();
    }
    tests
}

#[test]
fn the_table_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = named();
    assert!(named.len() > 40, "the table was read: {named:?}");
    for (file, test) in &named {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(tests_of(&text).contains(test), "{file} has no test {test}");
    }
    for entry in fs::read_dir(root.join("tests/it/attacks")).expect("this folder") {
        let path = entry.expect("a file").path();
        let file = path.strip_prefix(root).expect("below the root").display().to_string();
        if file.ends_with("mod.rs") {
            continue;
        }
        for test in tests_of(&fs::read_to_string(&path).expect("text")) {
            assert!(named.contains(&(file.clone(), test.clone())), "the table lacks {file} {test}");
        }
    }
}
