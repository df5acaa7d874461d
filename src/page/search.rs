//! Which of a thousand classes someone means.

/// The names that a few letters fit, by index, the best first: those that begin with them, then those of which a word
/// does, then those that hold them. Case and accents do not matter.
///
/// # Example
///
/// ```
/// use violet::page::matching;
///
/// let names = ["tiger cat", "catamaran", "école", "muscat"];
/// assert_eq!(matching(names, "cat", 8), [1, 0, 3]);
/// assert_eq!(matching(names, "Ecole", 8), [2]);
/// assert!(matching(names, " ", 8).is_empty());
/// ```
pub fn matching<'a>(
    names: impl IntoIterator<Item = &'a str>,
    query: &str,
    most: usize,
) -> Vec<usize> {
    let query = plain(query.trim());
    if query.is_empty() {
        return Vec::new();
    }
    let rank = |name: &str| {
        let name = plain(name);
        let at = name.find(&query)?;
        let word = name[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric());
        let begins = |rest: &str| {
            rest.split(|c: char| !c.is_alphanumeric())
                .any(|w| w.starts_with(&*query))
        };
        Some(match (at, word || begins(&name)) {
            (0, _) => 0,
            (_, true) => 1,
            _ => 2,
        })
    };
    let ranked = names.into_iter().enumerate();
    let mut ranked: Vec<(usize, usize)> = ranked
        .filter_map(|(k, name)| Some((rank(name)?, k)))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(most).map(|(_, k)| k).collect()
}

/// Small letters without the accents of French.
fn plain(text: &str) -> String {
    let letters = text.chars().flat_map(char::to_lowercase);
    letters
        .flat_map(|letter| {
            let letters: &[char] = match letter {
                'à' | 'â' | 'ä' => &['a'],
                'ç' => &['c'],
                'é' | 'è' | 'ê' | 'ë' => &['e'],
                'î' | 'ï' => &['i'],
                'ô' | 'ö' => &['o'],
                'ù' | 'û' | 'ü' => &['u'],
                'œ' => &['o', 'e'],
                '’' => &['\''],
                _ => return vec![letter],
            };
            letters.to_vec()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_come_before_words_and_words_before_letters_inside() {
        let names = ["bobcat", "Egyptian cat", "catfish", "dog", "sea-cat"];
        assert_eq!(matching(names, "CAT", 8), [2, 1, 4, 0]);
        assert_eq!(matching(names, "cat", 2), [2, 1]);
        assert!(matching(names, "horse", 8).is_empty());
    }

    #[test]
    fn accents_and_ligatures_are_found_by_those_who_do_not_type_them() {
        let names = ["bœuf musqué", "mâchoire", "l’étoile"];
        assert_eq!(matching(names, "boeuf", 8), [0]);
        assert_eq!(matching(names, "musque", 8), [0]);
        assert_eq!(matching(names, "etoile", 8), [2]);
    }
}
