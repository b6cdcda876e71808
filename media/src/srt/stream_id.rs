//! What callers say they want: the stream id, plain or in the form of the SRT Access
//! Control Guidelines (`#!::r=…,m=publish`).

/// A stream id taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamRequest {
    /// The stream's name (`r`), or the whole id where it has no form.
    pub resource: String,
    /// The user's name (`u`), where one is told.
    pub user: Option<String>,
    /// What is to be done with the stream.
    pub mode: Mode,
}

/// What a caller wants to do (`m`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Nothing was said: encoders that know only a plain id publish.
    #[default]
    Unsaid,
    /// Send the stream.
    Publish,
    /// Receive it, or both.
    Other,
}

impl StreamRequest {
    /// Reads a stream id; none if it begins in the guidelines' form and does not keep to it.
    pub fn parse(id: &str) -> Option<Self> {
        // Some encoders take the id out of a URL and leave its escapes as they are.
        let id = id.strip_prefix("%23").map_or_else(|| id.to_owned(), |rest| format!("#{rest}"));
        let Some(form) = id.strip_prefix("#!") else {
            return Some(Self { resource: id, ..Self::default() });
        };
        let mut request = Self::default();
        for pair in form.strip_prefix("::")?.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=')?;
            match key {
                "r" => request.resource = value.to_owned(),
                "u" => request.user = Some(value.to_owned()),
                "m" if value.eq_ignore_ascii_case("publish") => request.mode = Mode::Publish,
                "m" => request.mode = Mode::Other,
                _ => {}
            }
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let of = |id: &str| StreamRequest::parse(id);
        let plain = of("ABCD").unwrap();
        assert_eq!((plain.resource.as_str(), plain.mode), ("ABCD", Mode::Unsaid));
        let form = of("#!::r=ABCD,m=publish,u=camera,x=1").unwrap();
        assert_eq!((form.resource.as_str(), form.mode), ("ABCD", Mode::Publish));
        assert_eq!(form.user.as_deref(), Some("camera"));
        assert_eq!(of("%23!::r=ABCD,m=publish").unwrap().resource, "ABCD");
        assert_eq!(of("#!::r=ABCD,m=request").unwrap().mode, Mode::Other);
        assert_eq!(of("#!::r=ABCD,m=bidirectional").unwrap().mode, Mode::Other);
        assert_eq!(of("#!:{}"), None, "the nested form is not taken");
        assert_eq!(of("#!::r"), None);
        assert_eq!(of("").unwrap().resource, "");
    }
}
