//! A mail as it goes over the wire and into files (RFC 5322).

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Address, Message,
    message::{
        Body, Mailbox,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
};

use super::Mail;
use crate::{ids::MailId, time::Millis};

/// Bytes that a line of a letter may have (RFC 5322, section 2.1.1).
const LINE: usize = 998;

/// How the text is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is, for whoever opens the file.
    Readable,
    /// In ASCII, which every server takes.
    Ascii,
}

/// Why there is no letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadLetter {
    /// No mail can go there.
    #[error("{0:?} is not an address that mail can be sent to")]
    Address(String),
    /// The letter has no sender or no recipient.
    #[error("the mail cannot be put together: {0}")]
    Parts(String),
}

/// The letter that a mail is. It is the same for each time it is sent, its Message-ID too: whoever
/// gets it twice, because the server ended just when it had been taken, can tell.
///
/// What came from a client is on one line and encoded, so that nobody writes headers of their own;
/// an address is one address, or there is no letter.
pub(super) fn letter(
    mail: &Mail,
    id: MailId,
    from: &Mailbox,
    written: Millis,
    form: Form,
) -> Result<Message, BadLetter> {
    let to: Address = mail.to.trim().parse().map_err(|_| BadLetter::Address(mail.to.clone()))?;
    let since = Duration::from_millis(u64::try_from(written.0).unwrap_or(0));
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    Message::builder()
        .to(Mailbox::new(None, to))
        .from(from.clone())
        .subject(one_line(&mail.subject))
        .date(UNIX_EPOCH + since)
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN)
        .body(body(&mail.text, form))
        .map_err(|error| BadLetter::Parts(error.to_string()))
}

/// Text goes as it is where it may: whoever reads a letter without a mail program finds its link in
/// one piece.
fn body(text: &str, form: Form) -> Body {
    let text = text.replace("\r\n", "\n").replace(|c: char| c.is_control() && c != '\n', " ");
    let text = text.replace('\n', "\r\n");
    let short = text.split("\r\n").all(|line| line.len() <= LINE);
    let encoding = match form {
        _ if !short => ContentTransferEncoding::QuotedPrintable,
        _ if text.is_ascii() => ContentTransferEncoding::SevenBit,
        Form::Readable => ContentTransferEncoding::EightBit,
        Form::Ascii => ContentTransferEncoding::QuotedPrintable,
    };
    if encoding == ContentTransferEncoding::QuotedPrintable {
        return Body::new_with_encoding(text, encoding).unwrap_or_else(Body::new);
    }
    Body::dangerous_pre_encoded(text.into_bytes(), encoding)
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(to: &str, subject: &str, text: &str) -> Mail {
        Mail { to: to.into(), subject: subject.into(), text: text.into() }
    }

    fn written(mail: &Mail, form: Form) -> Result<String, BadLetter> {
        let from = "Rushes <review@rushes.test>".parse().unwrap();
        let id = MailId::from_u128(0xA1);
        let letter = letter(mail, id, &from, Millis(1_700_000_000_000), form)?;
        Ok(String::from_utf8(letter.formatted()).unwrap())
    }

    #[test]
    fn a_letter_has_what_a_letter_has() {
        let mail = mail("guest@rushes.test", "Größe zählt", "One\nTwo ü\n");
        let text = written(&mail, Form::Ascii).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head: Vec<&str> = head.split("\r\n").collect();
        for line in [
            "To: guest@rushes.test",
            "From: Rushes <review@rushes.test>",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
            "Message-ID: <000000000000000000000000000000A1@rushes.test>",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(head.contains(&line), "{line} is not in {head:#?}");
        }
        assert!(head.iter().any(|line| line.starts_with("Subject: =?utf-8?b?")), "{head:#?}");
        assert!(text.is_ascii(), "{body}");
        assert_eq!(text, written(&mail, Form::Ascii).unwrap(), "it is always the same");
        let readable = written(&mail, Form::Readable).unwrap();
        assert!(readable.starts_with("To: guest@rushes.test\r\n"), "{readable}");
        assert!(readable.ends_with("\r\n\r\nOne\r\nTwo ü\r\n"), "{readable}");
    }

    #[test]
    fn a_link_stays_in_one_piece() {
        let link = format!("https://rushes.test/#/login?token={}&next=/rooms/1", "A1".repeat(32));
        let short = mail("guest@rushes.test", "Room", &format!("Here:\n{link}\n"));
        for form in [Form::Ascii, Form::Readable] {
            let text = written(&short, form).unwrap();
            assert!(text.ends_with(&format!("\r\nHere:\r\n{link}\r\n")), "{text}");
        }
        let long = mail("guest@rushes.test", "Room", &"x".repeat(LINE + 1));
        for form in [Form::Ascii, Form::Readable] {
            let text = written(&long, form).unwrap();
            assert!(text.split("\r\n").all(|line| line.len() <= 76), "{text}");
        }
    }

    #[test]
    fn nobody_writes_headers_of_their_own() {
        for evil in [
            "Room\r\nBcc: other@rushes.test",
            "Room\nBcc: other@rushes.test",
            "Room\rBcc: other@rushes.test",
            "Größe\r\n\r\nBcc: other@rushes.test",
            "Room\u{2028}Bcc: other@rushes.test\u{0}",
        ] {
            for form in [Form::Ascii, Form::Readable] {
                let text = written(&mail("guest@rushes.test", evil, "Text\n"), form).unwrap();
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                let starts = |line: &str| line.to_ascii_lowercase().starts_with("bcc");
                assert!(!head.split(['\r', '\n']).any(starts), "{head}");
                assert_eq!(
                    head.split("\r\n").filter(|line| line.starts_with("Subject:")).count(),
                    1
                );
                assert_eq!(body, "Text\r\n");
            }
        }
    }

    #[test]
    fn an_address_is_one_address_or_none() {
        for evil in [
            "",
            "guest",
            "guest@rushes.test, other@rushes.test",
            "guest@rushes.test>\r\nRCPT TO:<other@rushes.test",
            "guest@rushes.test\r\nBcc: other@rushes.test",
            "Guest <guest@rushes.test>",
            "guest@rushes.test other@rushes.test",
            "guest@rushes.test> SIZE=1",
            "gu\0est@rushes.test",
        ] {
            let found = written(&mail(evil, "Room", "Text\n"), Form::Ascii);
            assert_eq!(found, Err(BadLetter::Address(evil.to_owned())));
        }
    }

    #[test]
    fn lines_end_as_lines_do_and_hold_no_control_characters() {
        let mail = mail("guest@rushes.test", "Room", "a\rb\u{0}c\r\nd\n.\ne");
        let text = written(&mail, Form::Readable).unwrap();
        assert!(text.ends_with("\r\n\r\na b c\r\nd\r\n.\r\ne"), "{text:?}");
    }
}
