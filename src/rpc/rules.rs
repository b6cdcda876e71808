//! The contract's rules, checked on the parameters before a handler's type reads them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    contract::{Endpoint, Format, Param, Type},
    error::{ApiError, ApiResult, Code},
    ids::AnyId,
    time::Millis,
};

/// The longest text that stands for a thing by its client's own UUID.
const MAX_CHOSEN_ID: usize = 128;

/// Checks `parameters` against the rules of `row` and gives them back as an object, without the
/// parameters that were null: null means absent.
///
/// # Errors
/// 401 when there are none and some are required, 407 when they are no object, and else the code
/// of the first failing parameter, with every failing one among the fields.
pub fn check(row: &Endpoint, parameters: Value) -> ApiResult<Value> {
    let mut object = match parameters {
        Value::Object(object) => object,
        Value::Null if row.request.iter().any(|param| param.required) => {
            return Err(ApiError::new(Code::NO_DATA));
        }
        Value::Null => Map::new(),
        _ => {
            return Err(ApiError::new(Code::INVALID_DATA).message("The data must be an object"));
        }
    };
    object.retain(|_, value| !value.is_null());
    let failures = row.request.iter().filter_map(|param| {
        let failure = match object.get(param.name) {
            None if param.required => (Code::REQUIRED, "is required".to_owned()),
            None => return None,
            Some(value) => check_value(param, value).err()?,
        };
        Some((param.name, failure))
    });
    let mut error: Option<ApiError> = None;
    for (name, (code, message)) in failures {
        let so_far = error.unwrap_or_else(|| ApiError::new(code));
        error = Some(so_far.field(name, code, message));
    }
    error.map_or(Ok(Value::Object(object)), Err)
}

type Checked = Result<(), (Code, String)>;

fn refuse(message: impl Into<String>) -> Checked {
    Err((Code::INVALID_DATA, message.into()))
}

fn check_value(param: &Param, value: &Value) -> Checked {
    check_type(param.ty, value)?;
    let Value::String(text) = value else { return Ok(()) };
    if !param.values.is_empty() && !param.values.contains(&text.as_str()) {
        return Err((Code::NOT_IN_ENUM, format!("must be one of {}", param.values.join(", "))));
    }
    check_text(param, text)
}

fn check_type(ty: Type, value: &Value) -> Checked {
    let (fits, what) = match ty {
        Type::Id => (is_id(value), "an id of 32 hex digits"),
        Type::IdOrUuid => (is_chosen_id(value), "an id or a UUID"),
        Type::IdArray => (all(value, is_id), "a list of ids of 32 hex digits"),
        Type::String | Type::Enum => (value.is_string(), "a text"),
        Type::StringArray => (all(value, Value::is_string), "a list of texts"),
        Type::Integer => (value.is_i64(), "a whole number"),
        Type::Float => (value.is_number(), "a number"),
        Type::Boolean => (value.is_boolean(), "true or false"),
        Type::Date => {
            (value.as_str().is_some_and(|text| text.parse::<Millis>().is_ok()), "an ISO 8601 date")
        }
        Type::Object => (value.is_object(), "an object"),
        Type::Array => (value.is_array(), "a list"),
    };
    if fits { Ok(()) } else { refuse(format!("must be {what}")) }
}

fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<AnyId>().is_ok())
}

fn is_chosen_id(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        !text.is_empty() && text.len() <= MAX_CHOSEN_ID && !has_tag(text) && !has_template(text)
    })
}

fn all(value: &Value, of: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(of))
}

fn check_text(param: &Param, text: &str) -> Checked {
    let length = || text.chars().count();
    if let Some(max) = param.max
        && text.len() > max
        && length() > max
    {
        return refuse(format!("must have at most {max} characters"));
    }
    if let Some(min) = param.min
        && length() < min
    {
        return refuse(format!("must have at least {min} characters"));
    }
    match param.format {
        Some(Format::Email) if !is_email(text) => {
            return Err((Code::INVALID_EMAIL, "must be an e-mail address".to_owned()));
        }
        Some(Format::HexColor) if !is_hex_color(text) => {
            return refuse("must be a colour such as #A1B2C3");
        }
        _ => {}
    }
    if param.no_html && has_tag(text) {
        return refuse("must not contain HTML tags");
    }
    if param.no_template && has_template(text) {
        return refuse("must not contain {{ and }}");
    }
    Ok(())
}

/// Whether a text is one that the contract takes where it wants neither tags nor templates.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    !has_tag(text) && !has_template(text)
}

/// Whether a browser would see the start of a tag, an end tag, a comment or a declaration.
/// `a < b` and `<3` are text; an unclosed `<script` is a tag, as something may follow it.
fn has_tag(text: &str) -> bool {
    let follows = |next: &u8| next.is_ascii_alphabetic() || matches!(next, b'/' | b'!' | b'?');
    text.as_bytes().windows(2).any(|pair| pair[0] == b'<' && follows(&pair[1]))
}

fn has_template(text: &str) -> bool {
    // What only ends like one is JSON, as clients keep it in a room's state.
    text.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}"))
}

/// Mail addresses as people have them: no quoted local parts, no addresses of hosts.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_char = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let local_fits = (1..=64).contains(&local.len())
        && local.chars().all(local_char)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    local_fits && text.len() <= 254 && domain.contains('.') && domain.split('.').all(label_fits)
}

fn is_hex_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        matches!(digits.len(), 3 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The parameters of a query, as the JSON that a body would have carried them in.
///
/// What does not read as its type stays a text, for [`check`] to refuse. Lists may repeat their
/// key (with or without `[]`), separate with commas, or be JSON.
#[must_use]
pub fn from_query<'a>(row: &Endpoint, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let mut grouped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, value) in pairs {
        grouped.entry(key.strip_suffix("[]").unwrap_or(key)).or_default().push(value);
    }
    if grouped.is_empty() {
        return Value::Null;
    }
    let of = |(key, values): (&str, Vec<&str>)| {
        let param = row.request.iter().find(|param| param.name == key);
        let value = coerce(param.map_or(Type::String, |param| param.ty), &values);
        (key.to_owned(), value)
    };
    Value::Object(grouped.into_iter().map(of).collect())
}

fn coerce(ty: Type, values: &[&str]) -> Value {
    let last = values.last().copied().unwrap_or_default();
    let json = |fits: fn(&Value) -> bool| serde_json::from_str(last).ok().filter(fits);
    let read = match ty {
        Type::Integer => last.parse::<i64>().ok().map(Value::from),
        Type::Float => {
            last.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number)
        }
        Type::Boolean => match last {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        Type::Object => json(Value::is_object),
        Type::Array => json(Value::is_array),
        Type::IdArray | Type::StringArray => json(Value::is_array).or_else(|| {
            let items = values.iter().flat_map(|value| value.split(','));
            Some(items.filter(|item| !item.is_empty()).map(Value::from).collect())
        }),
        Type::Id | Type::IdOrUuid | Type::String | Type::Date | Type::Enum => None,
    };
    read.unwrap_or_else(|| Value::from(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::find;
    use serde_json::json;

    fn codes(path: &str, parameters: Value) -> Vec<(String, u16)> {
        let error = check(find(path).unwrap(), parameters).unwrap_err();
        error.fields().iter().map(|field| (field.name.clone(), field.code.0)).collect()
    }

    #[test]
    fn all_failures_are_collected_in_the_order_of_the_parameters() {
        let bad =
            json!({"company_id": 5, "name": "<b>x</b>", "status": "GONE", "start_date": "soon"});
        assert_eq!(
            codes("/create/group", bad),
            [
                ("company_id".into(), 407),
                ("name".into(), 407),
                ("start_date".into(), 407),
                ("status".into(), 601)
            ]
        );
    }

    #[test]
    fn null_is_absent() {
        assert_eq!(codes("/delete/group", json!({"id": null})), [("id".into(), 600)]);
        let row = find("/get/companies").unwrap();
        assert_eq!(check(row, Value::Null).unwrap(), json!({}));
    }

    #[test]
    fn no_data_at_all_is_another_error_than_missing_data() {
        let row = find("/create/group").unwrap();
        assert_eq!(check(row, Value::Null).unwrap_err().code(), Code::NO_DATA);
        assert_eq!(check(row, json!({})).unwrap_err().code(), Code::REQUIRED);
        assert_eq!(check(row, json!([])).unwrap_err().code(), Code::INVALID_DATA);
    }

    #[test]
    fn length_counts_characters_not_bytes() {
        let row = find("/create/group").unwrap();
        let named = |name: String| json!({"company_id": AnyId::new(), "name": name});
        assert!(check(row, named("é".repeat(45))).is_ok());
        assert_eq!(check(row, named("é".repeat(46))).unwrap_err().code(), Code::INVALID_DATA);
    }

    #[test]
    fn tags_are_told_from_comparisons() {
        for tag in ["<b>", "a</p>", "<!-- x", "<?php", "<script"] {
            assert!(has_tag(tag), "{tag}");
        }
        for text in ["a < b", "<3", "1<2", "x <", "a > b"] {
            assert!(!has_tag(text), "{text}");
        }
    }

    #[test]
    fn mail_addresses() {
        for good in ["host@rushes.test", "a.b+c@d-e.example", "ü@exämple.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["", "a", "@b.c", "a@", "a@b", "a b@c.d", "a@b..c", "a..b@c.d", "a@-b.c", ".a@b.c"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn a_query_reads_as_the_body_it_stands_for() {
        let row = find("/create/group").unwrap();
        let pairs = [
            ("color", "7"),
            ("settings", "{\"hdr\":true}"),
            ("usecase_ids", "A,B"),
            ("usecase_ids", "C"),
            ("name", "12"),
            ("max_usage", "much"),
        ];
        assert_eq!(
            from_query(row, pairs.into_iter()),
            json!({"color": 7, "settings": {"hdr": true}, "usecase_ids": ["A", "B", "C"],
                   "name": "12", "max_usage": "much"})
        );
        assert_eq!(from_query(row, std::iter::empty()), Value::Null);
    }
}
