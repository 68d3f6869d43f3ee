//! What is kept of a block file, and which names are refused.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Command, Files, kept};

/// A new empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("deepdms-files-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The files of a command with these keywords, FOLDER standing for `folder`.
fn files(folder: &Path, keywords: &str) -> Result<Files, String> {
    let line = format!("1 xx 0.01 100 {keywords}").replace("FOLDER", &folder.display().to_string());
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let command = Command::parse(&words).unwrap();
    Files::new(&command).map_err(|error| {
        error
            .to_string()
            .replace(&folder.display().to_string(), "FOLDER")
    })
}

#[test]
fn blocks_that_will_be_measured_again_are_dropped() {
    let head = "# settings\nblock,cycle_first,cycle_last,step_first,step_last,used\n";
    let lines = "1,1,1,0,99,0\n2,2,3,100,299,1\n# continued at step 310\n";
    let rest = "3,4,5,300,499,1\n4,6,7,500,699,1\n";
    let text = format!("{head}{lines}{rest}");
    assert_eq!(kept(&text, 480), format!("{head}{lines}"));
    assert_eq!(kept(&text, 499), format!("{head}{lines}3,4,5,300,499,1\n"));
    assert_eq!(kept(&text, 10_000), text);
    // cut off while it was written
    for cut in ["5,8,9,700,899,1", "5,8,9,700,899\n", "5,8,9,7"] {
        assert_eq!(kept(&format!("{text}{cut}"), 10_000), text);
    }
}

#[test]
fn one_name_for_two_files_is_refused() {
    let folder = folder("one-name");
    let message = |keywords| files(&folder, keywords).unwrap_err();
    let tail = "are one file: give each a name of its own";
    assert_eq!(
        message("file FOLDER/a summary FOLDER/a"),
        format!("block file 'FOLDER/a' and summary 'FOLDER/a' {tail}")
    );
    // another spelling, and the names that the fix itself needs
    assert_eq!(
        message("file FOLDER/a checkpoint FOLDER/./a"),
        format!("block file 'FOLDER/a' and checkpoint 'FOLDER/./a' {tail}")
    );
    assert_eq!(
        message("file FOLDER/a.tmp summary FOLDER/a"),
        format!("block file 'FOLDER/a.tmp' and summary 'FOLDER/a.tmp' {tail}")
    );
    assert_eq!(
        message("summary FOLDER/a.previous checkpoint FOLDER/a"),
        format!("checkpoint 'FOLDER/a.previous' and summary 'FOLDER/a.previous' {tail}")
    );
    assert_eq!(
        message("file FOLDER/a resume FOLDER/a"),
        format!("block file 'FOLDER/a' and resume 'FOLDER/a' {tail}")
    );
    // a link in the way
    fs::write(folder.join("there"), "").unwrap();
    std::os::unix::fs::symlink(folder.join("there"), folder.join("link")).unwrap();
    fs::hard_link(folder.join("there"), folder.join("second")).unwrap();
    for other in ["link", "second"] {
        let line = format!("file FOLDER/there summary FOLDER/{other}");
        assert!(files(&folder, &line).unwrap_err().ends_with(tail));
    }
    // going on from the checkpoint that is then replaced is what people do
    assert!(files(&folder, "checkpoint FOLDER/c resume FOLDER/c").is_ok());
    assert!(files(&folder, "checkpoint FOLDER/c resume FOLDER/c.previous").is_ok());
}

#[test]
fn a_file_belongs_to_one_fix_at_a_time() {
    let folder = folder("two-fixes");
    let first = files(&folder, "file FOLDER/a summary FOLDER/b").unwrap();
    assert_eq!(
        files(&folder, "summary FOLDER/b").unwrap_err(),
        "summary 'FOLDER/b' is written by another fix of this run: give another name"
    );
    // what failed has claimed nothing
    assert!(files(&folder, "file FOLDER/c checkpoint FOLDER/a").is_err());
    assert!(files(&folder, "file FOLDER/c").is_ok());
    drop(first);
    assert!(files(&folder, "summary FOLDER/b").is_ok());
}

#[test]
fn another_run_that_writes_a_file_is_noticed() {
    let folder = folder("two-runs");
    let mut first = files(
        &folder,
        "file FOLDER/a summary FOLDER/b checkpoint FOLDER/c",
    )
    .unwrap();
    first.open("# fix dms, head\nblock,\n", "", None).unwrap();
    first.queue("line\n");
    first
        .flush(|| "{\"program\": {\"deepdms\": 1}}".to_owned())
        .unwrap();
    first
        .checkpoint(7, false, || "# fix dms\nstate 0\n".to_owned())
        .unwrap();
    // what another process does, which knows nothing of the claims of this one
    for (name, what) in [("a", "block file"), ("b", "summary"), ("c", "checkpoint")] {
        let path = folder.join(name);
        let target = crate::target::Target::resolve(what, path.to_str().unwrap()).unwrap();
        let file = fs::File::open(&path).unwrap();
        let message = target.lock(&file).unwrap_err().to_string();
        assert!(
            message.contains("is being written by another run"),
            "{message}"
        );
    }
    assert_eq!(
        fs::read_to_string(folder.join("a")).unwrap(),
        "# fix dms, head\nblock,\nline\n"
    );
    drop(first);
    let mut again = files(
        &folder,
        "file FOLDER/a summary FOLDER/b checkpoint FOLDER/c",
    )
    .unwrap();
    again.open("# fix dms, head\nblock,\n", "", None).unwrap();
}

#[test]
fn the_state_before_is_kept_and_the_same_state_is_written_once() {
    let folder = folder("previous");
    let mut files = files(&folder, "checkpoint FOLDER/c").unwrap();
    files.open("", "", None).unwrap();
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    for (step, text) in [
        (1, "state one"),
        (2, "state two"),
        (2, "not written"),
        (3, "state three"),
    ] {
        files.checkpoint(step, false, || text.to_owned()).unwrap();
    }
    assert_eq!(
        (read("c").as_str(), read("c.previous").as_str()),
        ("state three", "state two")
    );
    files
        .checkpoint(3, true, || "not written".to_owned())
        .unwrap();
    assert_eq!(
        (read("c").as_str(), read("c.previous").as_str()),
        ("state three", "state two")
    );
    let names = fs::read_dir(&folder).unwrap().count();
    assert_eq!(names, 2, "nothing temporary is left");
    drop(files);
    // killed while the names were being exchanged
    fs::remove_file(folder.join("c.previous")).unwrap();
    fs::hard_link(folder.join("c"), folder.join("c.previous")).unwrap();
    fs::write(folder.join("c"), "# fix dms\nstate 0\n").unwrap();
    fs::write(folder.join("c.tmp"), "half").unwrap();
    let mut files = self::files(&folder, "checkpoint FOLDER/c resume FOLDER/c").unwrap();
    files
        .checkpoint(9, false, || "state nine".to_owned())
        .unwrap();
    assert_eq!(read("c"), "state nine");
}

#[test]
fn what_is_there_and_something_else_is_not_written_over() {
    let folder = folder("there");
    let message = |keywords: &str| files(&folder, keywords).unwrap_err();
    fs::write(folder.join("deck"), "units metal\n").unwrap();
    fs::write(folder.join("model"), [0u8, 255, 7, 9]).unwrap();
    let lost = "exists and holds something else, which would be lost: give another name, or remove that file";
    assert_eq!(
        message("file FOLDER/deck"),
        format!("block file 'FOLDER/deck' {lost}")
    );
    assert_eq!(
        message("summary FOLDER/model"),
        format!("summary 'FOLDER/model' {lost}")
    );
    assert_eq!(
        message("checkpoint FOLDER/deck"),
        format!("checkpoint 'FOLDER/deck' {lost}")
    );
    // what another keyword wrote
    fs::write(
        folder.join("blocks"),
        "# fix dms, deepdms 1\n# more\nblock,cycle_first\n1,1\n",
    )
    .unwrap();
    fs::write(
        folder.join("state"),
        "# fix dms, deepdms 1\n# more\nstate 32\n",
    )
    .unwrap();
    fs::write(
        folder.join("summary"),
        "{\n  \"program\": {\n    \"deepdms\": \"1\"\n  }\n}\n",
    )
    .unwrap();
    assert!(
        files(
            &folder,
            "file FOLDER/blocks summary FOLDER/summary checkpoint FOLDER/state"
        )
        .is_ok()
    );
    for (keyword, others) in [
        ("file", ["state", "summary"]),
        ("summary", ["blocks", "state"]),
        ("checkpoint", ["blocks", "summary"]),
    ] {
        for other in others {
            assert!(message(&format!("{keyword} FOLDER/{other}")).ends_with(lost));
        }
    }
    // what is not a file at all
    let regular = "give the name of a regular file";
    assert_eq!(
        message("summary /dev/full"),
        format!("summary '/dev/full' is a device: {regular}")
    );
    assert_eq!(
        message("file FOLDER"),
        format!("block file 'FOLDER' is a folder: {regular}")
    );
    std::os::unix::fs::symlink("/nowhere/at/all", folder.join("dangling")).unwrap();
    assert_eq!(
        message("checkpoint FOLDER/dangling"),
        format!(
            "checkpoint 'FOLDER/dangling' is a symbolic link to a file that cannot be reached: {regular}"
        )
    );
    std::os::unix::net::UnixListener::bind(folder.join("c.previous")).unwrap();
    assert_eq!(
        message("checkpoint FOLDER/c"),
        "checkpoint 'FOLDER/c' needs the file 'FOLDER/c.previous' for itself, which is a socket: remove that, or give \
         another name"
    );
    // and what this process has open
    let _open = fs::File::create(folder.join("open")).unwrap();
    assert_eq!(
        message("file FOLDER/open"),
        "block file 'FOLDER/open' is open in this run already, as its input deck or for another output: give another name"
    );
}

#[test]
fn a_summary_behind_a_link_replaces_the_file_and_not_the_link() {
    let folder = folder("link");
    fs::write(folder.join("real"), "").unwrap();
    std::os::unix::fs::symlink(folder.join("real"), folder.join("link")).unwrap();
    let mut files = files(&folder, "summary FOLDER/link").unwrap();
    files.queue("line\n");
    files.flush(|| "text".to_owned()).unwrap();
    assert!(
        fs::symlink_metadata(folder.join("link"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(fs::read_to_string(folder.join("real")).unwrap(), "text");
}

#[test]
fn blocks_of_another_measurement_are_not_continued() {
    let folder = folder("another");
    let head = |box_: &str| {
        format!("# fix dms\n# first step 0, 4 atoms\n# reference box {box_}\nblock,used\n")
    };
    let path = folder.join("a");
    let write = |text: &str| fs::write(&path, text).unwrap();
    let open = |continued| {
        let mut files = files(&folder, "file FOLDER/a").unwrap();
        let opened = files.open(&head("1 1 1"), "# mark\n", continued);
        opened.map_err(|error| {
            error
                .to_string()
                .replace(&folder.display().to_string(), "FOLDER")
        })
    };
    write(&format!("{}1,1,1,0,99,1\n", head("2 2 2")));
    assert_eq!(
        open(Some(200)).unwrap_err(),
        "the block file 'FOLDER/a' holds the blocks of another measurement, not of the one that goes on: give the name of \
         its own block file, or a new one"
    );
    // a new measurement begins a new file, and so does one whose head was cut off
    open(None).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), head("1 1 1"));
    write(&head("1 1 1")[..30]);
    open(Some(200)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), head("1 1 1"));
    write(&format!("{}1,1,1,0,99,1\n2,2,2,100,299,1\n", head("1 1 1")));
    open(Some(200)).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("{}1,1,1,0,99,1\n# mark\n", head("1 1 1"))
    );
}
