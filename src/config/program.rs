//! The programs of this machine that the server uses where they are.

use std::{ffi::OsString, fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use rushes_media::Ffmpeg;

use super::ConfigError;

/// What says that there is no ffmpeg.
const NO_FFMPEG: &str = "none";

/// The ffmpeg that was named, or the first in the folders of `PATH`.
pub(super) fn ffmpeg(
    named: Option<PathBuf>,
    path: Option<OsString>,
) -> Result<Option<Ffmpeg>, ConfigError> {
    let is_program = |file: &PathBuf| {
        // A process starts it in another folder than this one.
        file.is_absolute()
            && fs::metadata(file)
                .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    };
    match named {
        Some(none) if none.as_os_str() == NO_FFMPEG => Ok(None),
        Some(file) => match std::path::absolute(&file) {
            Ok(whole) if is_program(&whole) => Ok(Some(Ffmpeg::at(whole))),
            _ => Err(ConfigError::NoFfmpeg(file)),
        },
        None => {
            let path = path.unwrap_or_default();
            let mut files = std::env::split_paths(&path).map(|folder| folder.join("ffmpeg"));
            Ok(files.find(is_program).map(Ffmpeg::at))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmpeg_is_the_named_one_or_the_first_in_path() {
        let shell = Some(Ffmpeg::at("/bin/sh".into()));
        assert_eq!(ffmpeg(Some("/bin/sh".into()), None).unwrap(), shell);
        assert_eq!(ffmpeg(Some("none".into()), Some("/bin".into())).unwrap(), None);
        assert!(matches!(ffmpeg(Some("/nowhere".into()), None), Err(ConfigError::NoFfmpeg(_))));
        assert!(matches!(ffmpeg(Some("/etc/passwd".into()), None), Err(ConfigError::NoFfmpeg(_))));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ffmpeg");
        std::os::unix::fs::symlink("/bin/sh", &file).unwrap();
        let path = std::env::join_paths(["/nowhere".as_ref(), folder.path()]).unwrap();
        assert_eq!(ffmpeg(None, Some(path)).unwrap(), Some(Ffmpeg::at(file)));
        assert_eq!(ffmpeg(None, Some("/nowhere".into())).unwrap(), None);
        assert_eq!(ffmpeg(None, None).unwrap(), None);
    }
}
