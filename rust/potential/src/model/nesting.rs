//! How deeply lists and maps of a text are nested, found out before it is parsed: parsers call themselves for each level, or
//! look at all levels for each word.

/// Levels of no model are more.
const DEEPEST: usize = 64;

/// Refuses YAML or JSON that is nested too deeply. Brackets in quotes count, too: models have few of them.
///
/// # Errors
/// Says so, with the line.
pub(super) fn check(text: &[u8]) -> Result<(), String> {
    let (mut open, mut line) = (0usize, 1);
    // a line begins with blanks, and with the marks of lists in lists: `- - - word`
    let (mut indent, mut begins) = (0usize, true);
    for &byte in text {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            b'\n' => {
                line += 1;
                (indent, begins) = (0, true);
                continue;
            }
            _ => {}
        }
        begins = begins && matches!(byte, b' ' | b'-' | b'?' | b':' | b'\t');
        indent += usize::from(begins && byte != b' ');
        if open > DEEPEST || indent > DEEPEST {
            return Err(format!(
                "line {line} is nested deeper than {DEEPEST} levels, which no model is"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn depth_counts_and_length_does_not() {
        let long = "[1, {a: [2]}],\n".repeat(10_000);
        assert_eq!(check(long.as_bytes()), Ok(()));
        assert_eq!(check(b"- - - 1.5e-3\n---\na: -1\n"), Ok(()));
        let message = "line 3 is nested deeper than 64 levels, which no model is";
        for level in ["[", "{a: ", "- ", "? "] {
            let deep = format!("a: 1\nb:\n{}", level.repeat(65));
            assert_eq!(check(deep.as_bytes()).unwrap_err(), message, "{level}");
            let less = format!("a: 1\nb:\n{}", level.repeat(64));
            assert_eq!(check(less.as_bytes()), Ok(()), "{level}");
        }
    }
}
