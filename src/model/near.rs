//! What somebody may have meant who wrote a word that is not known: for remedies. Pure.

/// The candidate nearest to `found`, when it is near enough to be a slip of the hand.
pub fn did_you_mean<'c>(
    found: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let lower = found.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.84)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        let keys = ["token-file", "schools", "rate"];
        assert_eq!(did_you_mean("token-fil", keys), Some("token-file"));
        assert_eq!(did_you_mean("token_file", keys), Some("token-file"));
        assert_eq!(did_you_mean("School", keys), Some("schools"));
        assert_eq!(did_you_mean("colour", keys), None);
    }
}
