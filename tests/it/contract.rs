//! The server against the contract: every row, every field, every rule.

use rushes::{
    api,
    contract::{ENDPOINTS, Endpoint, Format, Param, Type, find},
    error::{ApiError, Code},
    rpc::{Call, RouteKind, check, execute},
};
use serde_json::{Map, Value, json};

use crate::harness::Rushes;

const ID: &str = "0189ABCDEF0123456789ABCDEF012345";

/// A value of this type; of an enumeration the `nth`, going round.
fn value(ty: Type, values: &[&str], nth: usize) -> Value {
    match ty {
        Type::Id | Type::IdOrUuid => json!(ID),
        Type::IdArray => json!([ID]),
        Type::String => json!("text"),
        Type::StringArray => json!(["text"]),
        Type::Integer => json!(7),
        Type::Float => json!(1.5),
        Type::Boolean => json!(true),
        Type::Date => json!("2026-01-31T08:15:00.000Z"),
        // A few enumerations of answers have no values in the document.
        Type::Enum if values.is_empty() => json!("WHIP"),
        Type::Enum => json!(values[nth % values.len()]),
        Type::Object => json!({}),
        Type::Array => json!([]),
    }
}

fn parameter(param: &Param, nth: usize) -> Value {
    match param.format {
        Some(Format::Email) => json!("host@rushes.test"),
        Some(Format::HexColor) => json!("#A1B2C3"),
        None => value(param.ty, param.values, nth),
    }
}

fn request<'a>(of: impl Iterator<Item = &'a Param>, nth: usize) -> Map<String, Value> {
    of.map(|param| (param.name.to_owned(), parameter(param, nth))).collect()
}

/// A request with all that this endpoint must be told, and nothing more.
pub(crate) fn smallest(row: &Endpoint) -> Map<String, Value> {
    request(row.request.iter().filter(|param| param.required), 0)
}

fn response(row: &Endpoint, nth: usize) -> Value {
    let of = |field: &rushes::contract::Field| {
        (field.name.to_owned(), value(field.ty, field.values, nth))
    };
    let one = Value::Object(row.response.iter().map(of).collect());
    if row.array { json!([one]) } else { one }
}

/// What of `expected` is not in `actual`.
fn lost(expected: &Value, actual: &Value, at: &str, out: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, value) in expected {
                match actual.get(key) {
                    Some(actual) => lost(value, actual, &format!("{at}.{key}"), out),
                    None => out.push(format!("{at}.{key} is lost")),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                lost(expected, actual, &format!("{at}[{index}]"), out);
            }
        }
        (Value::Number(expected), Value::Number(actual))
            if expected.as_f64() == actual.as_f64() => {}
        _ if expected == actual => {}
        _ => out.push(format!("{at}: {expected} became {actual}")),
    }
}

/// How many rounds it takes to see each value of every enumeration.
fn rounds<'a>(values: impl Iterator<Item = &'a [&'a str]>) -> usize {
    values.map(<[&str]>::len).max().unwrap_or(1).max(1)
}

#[test]
fn requests_and_answers_pass_through_the_handlers_types_with_nothing_lost() {
    let mut wrong = Vec::new();
    for (path, route) in
        api::routes().iter().filter(|(_, route)| route.kind() != RouteKind::External)
    {
        let row = find(path).unwrap();
        let mut try_one = |what: &str, sent: Value, got: Result<Value, String>| match got {
            Ok(got) => lost(&sent, &got, &format!("{path} {what} "), &mut wrong),
            Err(error) => wrong.push(format!("{path} {what}: {error}")),
        };
        let small = Value::Object(smallest(row));
        try_one("smallest request", small.clone(), route.round_trip_request(small));
        for nth in 0..rounds(row.request.iter().map(|param| param.values)) {
            let full = Value::Object(request(row.request.iter(), nth));
            try_one("fullest request", full.clone(), route.round_trip_request(full));
        }
        for nth in 0..rounds(row.response.iter().map(|field| field.values)) {
            let full = response(row, nth);
            try_one("fullest answer", full.clone(), route.round_trip_response(full));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The keys of an answer, or of its first element.
fn keys(answer: &Value) -> Vec<&str> {
    let one = answer.as_array().and_then(|list| list.first()).unwrap_or(answer);
    one.as_object().map(|one| one.keys().map(String::as_str).collect()).unwrap_or_default()
}

#[test]
fn answers_have_each_field_of_the_contract_even_when_it_is_null_and_no_other() {
    let mut wrong = Vec::new();
    for (path, route) in
        api::routes().iter().filter(|(_, route)| route.kind() != RouteKind::External)
    {
        let row = find(path).unwrap();
        let full = response(row, 0);
        let Ok(answer) = route.round_trip_response(full.clone()) else {
            wrong.push(format!("{path}: the fullest answer does not read"));
            continue;
        };
        let known = |key: &&str| row.response.iter().any(|field| field.name == *key);
        if !row.free_response {
            let more = keys(&answer).into_iter().filter(|key| !known(key));
            wrong.extend(more.map(|key| format!("{path}: {key} is not in the contract")));
        }
        for field in row.response {
            let mut with_null = full.clone();
            let one = if row.array { &mut with_null[0] } else { &mut with_null };
            one[field.name] = Value::Null;
            // A type that refuses null always has a value.
            if let Ok(answer) = route.round_trip_response(with_null)
                && !keys(&answer).contains(&field.name)
            {
                wrong.push(format!("{path}: {} is left out when it is null", field.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A value that breaks one rule of a parameter, and the error it has to get.
fn violations(param: &Param) -> Vec<(Value, Code)> {
    let wrong_types: Vec<Value> = match param.ty {
        Type::Id => vec![json!(5), json!("no id"), json!([ID])],
        Type::IdOrUuid => vec![json!(5), json!(""), json!("<b>")],
        Type::IdArray => vec![json!(ID), json!(["no id"]), json!({})],
        Type::String | Type::Enum => vec![json!(5), json!(["text"]), json!({})],
        Type::StringArray => vec![json!("text"), json!([5])],
        Type::Integer => vec![json!("7"), json!(1.5), json!(true)],
        Type::Float => vec![json!("1.5"), json!(false)],
        Type::Boolean => vec![json!("true"), json!(1)],
        Type::Date => vec![json!(1_769_847_300_000_u64), json!("yesterday")],
        Type::Object => vec![json!([]), json!("{}")],
        Type::Array => vec![json!({}), json!("[]")],
    };
    let mut out: Vec<(Value, Code)> =
        wrong_types.into_iter().map(|value| (value, Code::INVALID_DATA)).collect();
    if param.required {
        out.push((Value::Null, Code::REQUIRED));
    }
    if param.ty == Type::Enum {
        out.push((json!("NO SUCH VALUE"), Code::NOT_IN_ENUM));
    }
    if let Some(max) = param.max {
        out.push((json!("x".repeat(max + 1)), Code::INVALID_DATA));
    }
    if let Some(min) = param.min {
        out.push((json!("x".repeat(min - 1)), Code::INVALID_DATA));
    }
    match param.format {
        Some(Format::Email) => out.push((json!("nobody"), Code::INVALID_EMAIL)),
        Some(Format::HexColor) => out.push((json!("red"), Code::INVALID_DATA)),
        None => {}
    }
    if param.no_html {
        out.push((json!("some <b>bold</b> text"), Code::INVALID_DATA));
    }
    if param.no_template {
        out.push((json!("some {{name}} text"), Code::INVALID_DATA));
    }
    out
}

fn assert_refused(error: &ApiError, path: &str, name: &str, sent: &Value, code: Code) {
    let fields: Vec<_> =
        error.fields().iter().map(|field| (field.name.as_str(), field.code)).collect();
    assert_eq!((error.code(), fields), (code, vec![(name, code)]), "{path} {name} = {sent}");
}

#[tokio::test]
async fn each_broken_rule_gets_exactly_its_error() {
    let rushes = Rushes::start().await;
    let person = rushes.person("rules").await;
    let mut broken = 0;
    for row in ENDPOINTS {
        let valid = smallest(row);
        assert!(check(row, Value::Object(valid.clone())).is_ok(), "{}", row.path);
        let handled = rushes
            .app()
            .routes
            .get(row.path)
            .is_some_and(|route| route.kind() != RouteKind::External);
        for param in row.request {
            for (value, code) in violations(param) {
                let mut parameters = valid.clone();
                parameters.insert(param.name.to_owned(), value.clone());
                let parameters = Value::Object(parameters);
                let error = check(row, parameters.clone()).unwrap_err();
                assert_refused(&error, row.path, param.name, &value, code);
                broken += 1;
                if handled {
                    let call = Call {
                        path: row.path.to_owned(),
                        parameters,
                        token: Some(person.token.clone()),
                        peer: [127, 0, 0, 1].into(),
                    };
                    let error = execute(rushes.app(), call).await.unwrap_err();
                    assert_refused(&error, row.path, param.name, &value, code);
                }
            }
        }
        if row.request.iter().any(|param| param.required) {
            assert_eq!(check(row, Value::Null).unwrap_err().code(), Code::NO_DATA, "{}", row.path);
        }
    }
    assert!(broken > 3000, "the table has more rules than {broken}");
}

#[tokio::test]
async fn what_is_built_is_in_the_table_and_the_rest_of_it_answers_501() {
    let rushes = Rushes::start().await;
    let person = rushes.person("rows").await;
    // That every route is a row is asserted where routes are registered.
    let mut not_built = 0;
    for row in ENDPOINTS {
        let call = Call {
            path: row.path.to_owned(),
            parameters: json!({"no_such_parameter": true}),
            token: Some(person.token.clone()),
            peer: [127, 0, 0, 1].into(),
        };
        let result = execute(rushes.app(), call).await;
        let says_501 = matches!(&result, Err(error) if error.code() == Code::NOT_BUILT);
        let built = rushes
            .app()
            .routes
            .get(row.path)
            .is_some_and(|route| route.kind() != RouteKind::External);
        assert_ne!(says_501, built, "{}: {result:?}", row.path);
        not_built += usize::from(!built);
    }
    let built =
        api::routes().iter().filter(|(_, route)| route.kind() != RouteKind::External).count();
    assert_eq!(built + not_built, 291);
}

#[tokio::test]
async fn whatever_needs_a_token_is_closed_to_one_who_has_none() {
    let rushes = Rushes::start().await;
    for row in ENDPOINTS.iter().filter(|row| row.token) {
        for token in [None, Some("0".repeat(64)), Some(String::new())] {
            let call = Call {
                path: row.path.to_owned(),
                parameters: Value::Object(smallest(row)),
                token,
                peer: [127, 0, 0, 1].into(),
            };
            let error = execute(rushes.app(), call).await.unwrap_err();
            assert_eq!(error.code(), Code::INVALID_TOKEN, "{}", row.path);
        }
    }
}
