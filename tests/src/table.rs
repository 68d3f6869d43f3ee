//! Numbers out of dumps, tables and JSON files.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The numbers of `file`: of the last frame of a text dump the named `columns`, row by row in the order of atom ids; of
/// any other file every column, or those with the given numbers (from 1), of the lines that do not begin with `#`.
pub fn read(file: &Path, columns: &[String]) -> Result<Vec<f64>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let numbers = if text.starts_with("ITEM:") {
        last_frame(&text, columns)
    } else {
        rows(&text, columns)
    };
    numbers.map_err(|problem| format!("{}: {problem}", file.display()))
}

fn last_frame(text: &str, columns: &[String]) -> Result<Vec<f64>, String> {
    const HEADER: &str = "ITEM: ATOMS ";
    let start = text.rfind(HEADER).ok_or("the dump holds no atoms")?;
    let mut lines = text[start..].lines();
    let names: Vec<&str> = lines.next().unwrap_or_default()[HEADER.len()..]
        .split_whitespace()
        .collect();
    let position = |name: &str| {
        let found = names.iter().position(|other| *other == name);
        found.ok_or_else(|| format!("the dump has no column '{name}', only {}", names.join(" ")))
    };
    if columns.is_empty() {
        return Err("name the columns of the dump to compare".into());
    }
    let id = position("id")?;
    let chosen = columns
        .iter()
        .map(|name| position(name))
        .collect::<Result<Vec<_>, _>>()?;

    let mut atoms = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.len() != names.len() {
            return Err(format!("the line '{line}' has not {} columns", names.len()));
        }
        let row = chosen
            .iter()
            .map(|column| number(words[*column]))
            .collect::<Result<Vec<_>, _>>()?;
        atoms.push((number(words[id])? as i64, row));
    }
    atoms.sort_by_key(|(id, _)| *id);
    Ok(atoms.into_iter().flat_map(|(_, row)| row).collect())
}

fn rows(text: &str, columns: &[String]) -> Result<Vec<f64>, String> {
    let mut numbers = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        if columns.is_empty() {
            for word in &words {
                numbers.push(number(word)?);
            }
        }
        for column in columns {
            let index: usize = column
                .parse()
                .map_err(|_| format!("column '{column}' of a table is not a number"))?;
            let word = words
                .get(index.wrapping_sub(1))
                .ok_or_else(|| format!("no column {index} in '{line}'"))?;
            numbers.push(number(word)?);
        }
    }
    Ok(numbers)
}

fn number(word: &str) -> Result<f64, String> {
    word.parse()
        .map_err(|_| format!("'{word}' is not a number"))
}

/// The number, or all numbers of the nested lists, at the path of dot-separated keys `key` in a JSON file.
pub fn read_json(file: &Path, key: &str) -> Result<Vec<f64>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let whole: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut value = &whole;
    for name in key.split('.').filter(|name| !name.is_empty()) {
        let inner = match value {
            Value::Array(list) => name.parse::<usize>().ok().and_then(|index| list.get(index)),
            other => other.get(name),
        };
        value =
            inner.ok_or_else(|| format!("{}: no '{name}' on the path '{key}'", file.display()))?;
    }
    let mut numbers = Vec::new();
    flatten(value, &mut numbers)
        .map_err(|problem| format!("{}, '{key}': {problem}", file.display()))?;
    Ok(numbers)
}

fn flatten(value: &Value, numbers: &mut Vec<f64>) -> Result<(), String> {
    match value {
        Value::Array(list) => list.iter().try_for_each(|inner| flatten(inner, numbers)),
        Value::Number(number) => {
            numbers.push(number.as_f64().ok_or("a number too large")?);
            Ok(())
        }
        other => Err(format!("{other} is not a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::{flatten, last_frame, rows};

    const DUMP: &str = "ITEM: TIMESTEP\n0\nITEM: ATOMS id fx\n1 9\nITEM: TIMESTEP\n1\nITEM: ATOMS id fx fy\n2 3 4\n1 1 2\n";

    #[test]
    fn the_last_frame_is_sorted_by_id() {
        assert_eq!(
            last_frame(DUMP, &["fx".into(), "fy".into()]).unwrap(),
            [1.0, 2.0, 3.0, 4.0]
        );
        let message = last_frame(DUMP, &["fz".into()]).unwrap_err();
        assert_eq!(message, "the dump has no column 'fz', only id fx fy");
    }

    #[test]
    fn a_table_skips_comments() {
        assert_eq!(
            rows("# a b\n1 2\n3 4\n", &[]).unwrap(),
            [1.0, 2.0, 3.0, 4.0]
        );
        assert_eq!(
            rows("# a b\n1 2\n3 4\n", &["2".into()]).unwrap(),
            [2.0, 4.0]
        );
    }

    #[test]
    fn nested_lists_are_flattened() {
        let mut numbers = Vec::new();
        flatten(&serde_json::json!([[1, 2.5], [3]]), &mut numbers).unwrap();
        assert_eq!(numbers, [1.0, 2.5, 3.0]);
    }
}
