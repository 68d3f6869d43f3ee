//! Files that are no model, or not one that is read: one clear error each, and never a panic.

mod common;

use common::models;
use deepdms_potential::model::read;
use std::time::{Duration, Instant};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(models().join(name)).unwrap()
}

fn message(file: &str, bytes: &[u8]) -> String {
    read(file, bytes).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn foreign_files_are_refused_by_name() {
    let cases: [(&str, &[u8], &str); 13] = [
        (
            "m.pb",
            b"",
            "m.pb: the file is empty. Models are read from frozen graphs (.pb), PyTorch's archives (.pth, .pt2) and deepmd-kit's own form (.dp, .yaml, .json)",
        ),
        (
            "m.pb",
            b"hello, this is a text",
            "m.pb: not a complete frozen TensorFlow graph (.pb) file: ",
        ),
        (
            "notes.txt",
            b"hello, this is a text",
            "notes.txt: it is not a Deep Potential model. Models are read from frozen graphs (.pb), PyTorch's archives (.pth, .pt2) and deepmd-kit's own form (.dp, .yaml, .json)",
        ),
        (
            "m.pth",
            b"PK\x03\x04rest",
            "m.pth: not a complete TorchScript (.pth) file: ",
        ),
        (
            "m.pt2",
            b"PK\x03\x04rest",
            "m.pt2: not a complete exported PyTorch model (.pt2) file: ",
        ),
        (
            "m.pbtxt",
            b"node {}",
            "m.pbtxt: a graph in text form (.pbtxt) is not supported. Convert it: dp convert-from pbtxt -i m.pbtxt -o model.pb",
        ),
        (
            "m.dp",
            b"\x89HDF\r\n\x1a\n",
            "m.dp: not a complete native model (.dp, HDF5) file: ",
        ),
        (
            "m.yaml",
            b"a: [1, 2",
            "m.yaml: not a complete native model (.yaml) file: ",
        ),
        (
            "m.json",
            b"{\"model\": ",
            "m.json: not a complete native model (.json) file: ",
        ),
        (
            "m.json",
            b"{\"base_code\": {\"magic\": \"pir\"}, \"program\": {}}",
            "m.json: a program of the Paddle backend (.json) is not supported. It cannot be converted: train or freeze the model with another backend, such as dp --pt freeze -o model.pth",
        ),
        ("m.pd", b"", "m.pd: the file is empty. "),
        (
            "m.pdmodel",
            b"program",
            "m.pdmodel: the format .pdmodel is not supported. It cannot be converted: train or freeze the model with another backend, such as dp --pt freeze -o model.pth",
        ),
        (
            "m.ckpt",
            b"weights",
            "m.ckpt: a checkpoint of a training (.ckpt) is not supported. Freeze the model: dp freeze -o model.pb, or dp --pt freeze -o model.pth",
        ),
    ];
    for (file, bytes, expected) in cases {
        let found = message(file, bytes);
        assert!(found.starts_with(expected), "{file}: {found}");
    }
    assert_eq!(
        message("m.yaml", b"a: 1"),
        "m.yaml: model: it has no type; is it a Deep Potential model?"
    );
}

#[test]
fn what_is_taken_for_a_model_by_mistake_is_named() {
    let mut tar = vec![b'a'; 600];
    tar[257..262].copy_from_slice(b"ustar");
    let mut hardware = vec![1, 2, 128, 0, 128, 0, 0, 0];
    hardware.resize(4096, 0x5a);
    let checkpoint = "a checkpoint of a training (saved by PyTorch) is not supported. Freeze the model: dp freeze -o model.pb, or dp --pt freeze -o model.pth";
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n";
    let link = "it holds the path '../water/graph.pb' and nothing else: a symbolic link that was stored as text. Give the file that it leads to";
    let cases: [(&[u8], &str); 12] = [
        (
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
            checkpoint,
        ),
        (
            lfs,
            "it is a pointer of Git LFS, which stands for the model until that is fetched. Run 'git lfs pull' in its repository, or download the file itself",
        ),
        (b"../water/graph.pb", link),
        (b"../water/graph.pb\n", link),
        (
            b"!<symlink>\xff\xfeg\0r\0",
            "it is a symbolic link that was stored as a file. Copy the file that it leads to",
        ),
        (
            b"XSym\n0017\n",
            "it is a symbolic link that was stored as a file. Copy the file that it leads to",
        ),
        (
            &hardware,
            "a file for NVNMD hardware is not supported. Give the frozen model that it was made of, trained without NVNMD",
        ),
        (b"\x1f\x8b\x08\0", "it is packed by gzip. Unpack it first"),
        (b"\xfd7zXZ\0", "it is packed by xz. Unpack it first"),
        (
            &tar,
            "it is a tar archive. Unpack it, and give the model in it",
        ),
        (
            b"\n<!DOCTYPE html>\n<html>",
            "it is a web page. Download the model itself: what a browser shows of it has another address",
        ),
        (
            b"<html lang=en>",
            "it is a web page. Download the model itself: what a browser shows of it has another address",
        ),
    ];
    for (bytes, expected) in cases {
        for file in ["m.pb", "m.pth", "m.yaml", "m.json", "model"] {
            assert_eq!(message(file, bytes), format!("{file}: {expected}"));
        }
    }
    for file in [
        "model.ckpt.meta",
        "model.ckpt.index",
        "model.ckpt.data-00000-of-00001",
    ] {
        let suffix = file.rsplit('.').next().unwrap();
        assert_eq!(
            message(file, b"\x0a\x10some numbers"),
            format!(
                "{file}: a checkpoint of a training (.{suffix}) is not supported. Freeze the model: dp freeze -o model.pb, or dp --pt freeze -o model.pth"
            )
        );
    }
}

#[test]
fn texts_that_are_nested_without_end_are_refused_at_once() {
    let start = Instant::now();
    let levels = |level: &str| level.repeat(200_000 / level.len());
    for (file, level) in [
        ("m.yaml", "["),
        ("m.yaml", "{a: "),
        ("m.yaml", "- "),
        ("m.yaml", "? "),
        ("m.yaml", "[["),
        ("m.json", "["),
        ("m.json", "{\"a\":"),
    ] {
        assert_eq!(
            message(file, levels(level).as_bytes()),
            format!(
                "{file}: not a complete native model ({}) file: line 1 is nested deeper than 64 levels, which no model is. Copy or freeze the model again",
                &file[1..]
            )
        );
    }
    // neither brackets nor marks, and still a level for each line, or marks without end
    let stairs: String = (0..600).map(|k| format!("{}a:\n", " ".repeat(k))).collect();
    for text in [
        stairs,
        levels("&a "),
        levels("!t "),
        levels("*a "),
        levels("a: b\n"),
        levels("'"),
    ] {
        let found = message("m.yaml", text.as_bytes());
        assert!(found.starts_with("m.yaml: "), "{found}");
    }
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_truncated_file_is_an_error_wherever_it_ends() {
    for name in [
        "one_sided.pb",
        "one_sided.dp",
        "one_sided.yaml",
        "one_sided.pth",
    ] {
        let whole = bytes(name);
        let step = (whole.len() / 97).max(1);
        for end in (0..whole.len() - 1).step_by(step) {
            // a text that ends in mid-number can still be a model; a binary file cannot
            match read(name, &whole[..end]) {
                Ok(_) => assert!(
                    name.ends_with(".yaml"),
                    "{name} cut to {end} bytes was read"
                ),
                Err(error) => assert!(error.to_string().starts_with(name)),
            }
        }
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let mut seed = 7u64;
    let mut next = |below: usize| {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    for name in [
        "one_sided.pb",
        "two_sided_compressed.pb",
        "two_sided.dp",
        "one_sided.yaml",
        "two_sided.pth",
    ] {
        let whole = bytes(name);
        for _ in 0..300 {
            let mut damaged = whole.clone();
            for _ in 0..1 + next(4) {
                let place = next(damaged.len());
                damaged[place] = next(256) as u8;
            }
            // a changed weight is still a model; anything else must be an error with the file's name
            if let Err(error) = read(name, &damaged) {
                assert!(error.to_string().starts_with(name), "{error}");
            }
        }
    }
}
