//! `promweave policy new`: a folder with a policy that builds and passes its
//! test.
//!
//! The files are those of the example policies in `docs/policies`, under
//! another name, so that they cannot rot.

mod files;

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Error, Verdict};
use crate::cli::policy::New;

/// Writes it.
pub(super) fn run(args: &New) -> Result<Verdict, Error> {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let files = files::of(args.lang, &args.name);
    make(&folder)?;
    for (path, content) in &files {
        write(&folder.join(path), content)?;
    }
    let [needs, build] = files::steps(args.lang, &args.name);
    let folder = folder.display().to_string();
    let shown = if args.json {
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let told = json!({ "folder": folder, "files": paths, "needs": needs, "build": build });
        format!("{told:#}")
    } else {
        format!(
            "{folder}: {} files, a README among them. Next:\n\n  cd {folder}\n  {needs}\n  {build}",
            files.len()
        )
    };
    writeln!(io::stdout(), "{shown}")?;
    Ok(Verdict::Good)
}

/// Makes the folder; an empty one may be there.
fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|source| file(folder, source))?;
    let mut entries = fs::read_dir(folder).map_err(|source| file(folder, source))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Error::Exists { path: folder.display().to_string() }),
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| file(folder, source))?;
    }
    let mut created = OpenOptions::new().write(true).create_new(true).open(path).map_err(
        |source| match source.kind() {
            ErrorKind::AlreadyExists => Error::Exists { path: path.display().to_string() },
            _ => file(path, source),
        },
    )?;
    created.write_all(content).map_err(|source| file(path, source))
}

fn file(path: &Path, source: io::Error) -> Error {
    Error::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::cli::policy::Language;

    fn args(dir: &Path) -> New {
        let (name, lang) = ("my-policy".to_owned(), Language::C);
        New { name, lang, dir: Some(dir.to_owned()), json: true }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("new/deep");
        run(&args(&path)).expect("written");
        let before = fs::read(path.join("policy.c")).expect("written");
        let refused = run(&args(&path)).expect_err("it exists");
        assert!(matches!(refused, Error::Exists { .. }), "{refused}");
        assert_eq!(fs::read(path.join("policy.c")).expect("still there"), before);
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_named() {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("taken");
        fs::write(&path, "").expect("a file");
        let refused = run(&args(&path)).expect_err("no folder").to_string();
        assert!(refused.contains("taken"), "{refused}");
    }
}
