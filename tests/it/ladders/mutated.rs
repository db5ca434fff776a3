//! No number of a ladder that ships can be another without an example failing: each is made one more and one less, by itself.

use upprop::ladder::read::read;
use upprop::ladder::shipped;

/// The lines of a step that say when it is reached.
const RULES: [&str; 5] = ["when ", "for ", "once ", "re-arm ", "cool-down "];

/// The numbers of a text that stand by themselves, and not in a name as `step-2`: where each begins and ends.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|found| at + found) {
        let end = text[start..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(text.len(), |found| start + found);
        let is_of_name = |c: char| c.is_alphanumeric() || c == '-';
        let before = text[..start].chars().next_back().is_some_and(is_of_name);
        let after = text[end..].chars().next().is_some_and(is_of_name);
        if !before && !after {
            found.push((start, end));
        }
        at = end;
    }
    found
}

/// Whether `upprop ladder test` would find fault with a text.
fn fails(text: &str) -> bool {
    let Ok(plan) = read(text) else { return true };
    plan.examples.iter().any(|example| !example.run(&plan.ladder).differences.is_empty())
}

fn every_number_counts(name: &str, least: usize) {
    let text = shipped(name).expect("it ships").text;
    assert!(!fails(text), "{name} fails as it is");
    let mut tried = 0;
    let mut survivors = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if RULES.iter().any(|rule| line.starts_with(rule)) {
            for (start, end) in numbers(line) {
                let number: u32 = line[start..end].parse().expect("a number");
                for other in
                    [number.wrapping_sub(1), number + 1].into_iter().filter(|n| *n < u32::MAX)
                {
                    let changed =
                        format!("{}{other}{}", &text[..offset + start], &text[offset + end..]);
                    tried += 1;
                    if !fails(&changed) {
                        survivors.push(format!("{other} for {number} in {line}"));
                    }
                }
            }
        }
        offset += line.len();
    }
    assert!(tried >= least, "{tried} tried");
    assert!(survivors.is_empty(), "{name}:\n{}", survivors.join(""));
}

#[test]
fn every_number_of_the_plan_counts() {
    every_number_counts("plan", 12);
}

#[test]
fn every_number_of_eskilstuna_counts() {
    every_number_counts("eskilstuna", 34);
}

#[test]
fn every_number_of_danderyd_counts() {
    every_number_counts("danderyd", 22);
}

#[test]
fn every_number_of_bollnas_counts() {
    every_number_counts("bollnas", 8);
}

#[test]
fn every_number_of_falkenberg_counts() {
    every_number_counts("falkenberg", 12);
}

#[test]
fn numbers_of_names_are_left_alone() {
    let line = "when = { after = \"step-2\", wait = \"14 days\", still = { at-least = 3, more-than = \"20 %\" } }";
    let found: Vec<&str> = numbers(line).into_iter().map(|(from, to)| &line[from..to]).collect();
    assert_eq!(found, ["14", "3", "20"]);
}
