//! The ladders that come with the program, as texts: a school may follow one by its name alone, or copy its file and change
//! it.

/// One that ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them: the plan that the program was made for, and those of other municipalities.
pub const SHIPPED: [Shipped; 5] = [
    Shipped { name: "plan", text: include_str!("../../config/ladders/plan.toml") },
    Shipped { name: "eskilstuna", text: include_str!("../../config/ladders/eskilstuna.toml") },
    Shipped { name: "danderyd", text: include_str!("../../config/ladders/danderyd.toml") },
    Shipped { name: "bollnas", text: include_str!("../../config/ladders/bollnas.toml") },
    Shipped { name: "falkenberg", text: include_str!("../../config/ladders/falkenberg.toml") },
];

/// The one of a name.
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|one| one.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SHIPPED;
    use crate::ladder::read::read;

    #[test]
    fn each_is_read_by_its_own_name_and_its_examples_hold() {
        let mut wrong = Vec::new();
        for shipped in SHIPPED {
            let plan = match read(shipped.text) {
                Ok(plan) => plan,
                Err(faults) => {
                    wrong.extend(faults.iter().map(|fault| format!("{}:{fault}", shipped.name)));
                    continue;
                }
            };
            assert_eq!(plan.ladder.name, shipped.name);
            let mut reached = BTreeSet::new();
            for example in &plan.examples {
                let outcome = example.run(&plan.ladder);
                let place = format!("{}:{} {}", shipped.name, example.line, example.title);
                wrong.extend(outcome.differences.iter().map(|what| format!("{place}: {what}")));
                reached.extend(outcome.reached);
            }
            for step in &plan.ladder.steps {
                if !reached.contains(&step.id) {
                    wrong.push(format!("{}: no example reaches {}", shipped.name, step.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
