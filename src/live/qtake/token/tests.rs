use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, encode};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
};
use serde_json::json;

use super::*;

const NOW: Millis = Millis(1_800_000_000_000);
const SECRET: &str = "a secret of thirty-two characters";

/// The claims of a token that counts.
fn claims() -> Value {
    json!({
        "userEmail": "dit@example.com",
        "projectUUID": "0199f3a2-5b1c-7d2e-8f00-0123456789ab",
        "exp": NOW.0 / 1000 + 600,
        "nbf": NOW.0 / 1000,
        "iss": "https://qtake.example",
        "aud": "moxion",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn signed(algorithm: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn secretly(claims: &Value) -> String {
    signed(Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()).unwrap(), claims)
}

fn shared() -> QtakeKeys {
    QtakeKeys::new(None, SECRET.parse().ok()).unwrap()
}

fn of_pem(pem: &str) -> QtakeKeys {
    QtakeKeys { keys: public_keys(pem).unwrap(), sources: Vec::new() }
}

/// A token of parts that nobody would sign like this.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[test]
fn what_a_token_says_is_read() {
    let read = read(&secretly(&claims()), &shared(), NOW).unwrap();
    assert_eq!(read.user_email, "dit@example.com");
    assert_eq!(read.project.unwrap().as_str(), "0199F3A25B1C7D2E8F000123456789AB");
    assert_eq!(read.expires, Some(NOW.plus(Duration::from_secs(600))));
    assert!(read.verified);
}

#[test]
fn without_a_key_the_token_counts_and_is_not_verified() {
    let token = secretly(&claims());
    let found = read(&token, &QtakeKeys::default(), NOW).unwrap();
    assert!(!found.verified);
    let broken = format!("{}AAAA", token.rsplit_once('.').unwrap().0.to_owned() + ".");
    assert!(!read(&broken, &QtakeKeys::default(), NOW).unwrap().verified);
    assert_eq!(read(&broken, &shared(), NOW), Err(BadToken::Signature));
}

#[test]
fn each_kind_of_key_takes_its_own_signatures_and_no_others() {
    let kinds = [
        (&PKCS_RSA_SHA256, vec![Algorithm::RS256, Algorithm::RS512, Algorithm::PS256]),
        (&PKCS_ECDSA_P256_SHA256, vec![Algorithm::ES256]),
        (&PKCS_ECDSA_P384_SHA384, vec![Algorithm::ES384]),
        (&PKCS_ED25519, vec![Algorithm::EdDSA]),
    ];
    let secret = EncodingKey::from_secret(SECRET.as_bytes()).unwrap();
    for (kind, algorithms) in kinds {
        let (pair, other) =
            (KeyPair::generate_for(kind).unwrap(), KeyPair::generate_for(kind).unwrap());
        let keys = of_pem(&pair.public_key_pem());
        let both = of_pem(&format!("{}{}", other.public_key_pem(), pair.public_key_pem()));
        let private = |pair: &KeyPair| {
            let pem = pair.serialize_pem();
            EncodingKey::from_rsa_pem(pem.as_bytes())
                .or_else(|_| EncodingKey::from_ec_pem(pem.as_bytes()))
                .or_else(|_| EncodingKey::from_ed_pem(pem.as_bytes()))
                .unwrap()
        };
        for algorithm in algorithms {
            let token = signed(algorithm, &private(&pair), &claims());
            assert!(read(&token, &keys, NOW).unwrap().verified, "{algorithm:?}");
            assert!(read(&token, &both, NOW).is_ok(), "{algorithm:?} while keys are changed");
            let wrong = signed(algorithm, &private(&other), &claims());
            assert_eq!(read(&wrong, &keys, NOW), Err(BadToken::Signature), "{algorithm:?}");
            let (head, rest) = token.split_once('.').unwrap();
            let signature = rest.rsplit_once('.').unwrap().1;
            let changed = with("userEmail", json!("somebody@example.com"));
            let changed = URL_SAFE_NO_PAD.encode(changed.to_string());
            let changed = format!("{head}.{changed}.{signature}");
            assert_eq!(read(&changed, &keys, NOW), Err(BadToken::Signature), "{algorithm:?}");
        }
        // The public key is known to everybody: it is not to count as a shared secret.
        let confused = EncodingKey::from_secret(pair.public_key_pem().as_bytes()).unwrap();
        for key in [&confused, &secret] {
            let token = signed(Algorithm::HS256, key, &claims());
            let refused = BadToken::OtherKey(Algorithm::HS256);
            assert_eq!(read(&token, &keys, NOW), Err(refused));
        }
        let token = signed(Algorithm::HS256, &secret, &claims());
        assert!(read(&token, &shared(), NOW).is_ok());
    }
}

#[test]
fn what_is_not_signed_is_refused_with_and_without_a_key() {
    let unsigned = |algorithm: &str| json!({ "typ": "JWT", "alg": algorithm });
    for keys in [shared(), QtakeKeys::default()] {
        for algorithm in ["none", "None", "nOnE", "", "HS1"] {
            for signature in ["", "AAAA"] {
                let token = forged(&unsigned(algorithm), &claims(), signature);
                assert_eq!(read(&token, &keys, NOW), Err(BadToken::Algorithm), "{algorithm:?}");
            }
        }
        let stripped = forged(&unsigned("HS256"), &claims(), "");
        assert_eq!(read(&stripped, &keys, NOW), Err(BadToken::Algorithm));
        let needs = json!({ "alg": "HS256", "crit": ["b64"], "b64": false });
        let needs = forged(&needs, &claims(), "AAAA");
        assert_eq!(read(&needs, &keys, NOW), Err(BadToken::Extension));
    }
}

#[test]
fn a_token_counts_in_its_time_and_a_minute_around_it() {
    let (keys, second) = (shared(), NOW.0 / 1000);
    let at = |claims: Value| read(&secretly(&claims), &keys, NOW).map(|read| read.expires);
    assert_eq!(at(with("exp", json!(second - 60))), Err(BadToken::Expired));
    assert!(at(with("exp", json!(second - 59))).is_ok());
    assert_eq!(at(with("nbf", json!(second + 61))), Err(BadToken::NotYet));
    assert!(at(with("nbf", json!(second + 60))).is_ok());
    let mut without = claims();
    without.as_object_mut().unwrap().remove("exp");
    assert_eq!(at(without), Ok(None));
    for (name, value) in [
        ("exp", json!("tomorrow")),
        ("exp", json!(null)),
        ("exp", json!(-1)),
        ("nbf", json!([second])),
        ("exp", json!(1e300)),
    ] {
        let wanted = if name == "exp" { "exp" } else { "nbf" };
        assert_eq!(at(with(name, value.clone())), Err(BadToken::Claim(wanted)), "{value}");
    }
    let half = json!(second as f64 + 0.5);
    assert_eq!(at(with("exp", half)), Ok(Some(Millis(NOW.0 + 500))));
}

#[test]
fn a_token_without_an_email_is_refused_and_one_without_a_project_is_not() {
    let keys = shared();
    let of = |claims: &Value| read(&secretly(claims), &keys, NOW);
    for email in [json!(null), json!(" "), json!(7), json!(["dit@example.com"])] {
        assert_eq!(of(&with("userEmail", email)), Err(BadToken::Claim("userEmail")));
    }
    let mut named = claims();
    named.as_object_mut().unwrap().remove("projectUUID");
    assert_eq!(of(&named).unwrap().project, None);
    for name in ["projectId", "project_uuid", "projectUuid", "project_id"] {
        let mut other = named.clone();
        other[name] = json!("Show");
        assert_eq!(of(&other).unwrap().project.unwrap().as_str(), "Show", "{name}");
    }
    for bad in [json!(7), json!(""), json!(".."), json!("a\nb"), json!("x".repeat(300))] {
        let refused = of(&with("projectUUID", bad.clone()));
        assert_eq!(refused, Err(BadToken::Claim("projectUUID")), "{bad}");
    }
}

#[test]
fn what_is_no_token_is_refused_and_what_is_huge_is_not_looked_at() {
    let token = secretly(&claims());
    let deep = format!("{}1{}", "[".repeat(2_000), "]".repeat(2_000));
    let deep =
        format!("{}.{}.AAAA", token.split('.').next().unwrap(), URL_SAFE_NO_PAD.encode(deep));
    for bad in ["", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "é.é.é", " ", &deep] {
        for keys in [shared(), QtakeKeys::default()] {
            assert!(read(bad, &keys, NOW).is_err(), "{bad}");
        }
    }
    assert_eq!(read("a.b.c", &shared(), NOW), Err(BadToken::Malformed));
    assert!(read(&format!(" {token}\n"), &shared(), NOW).is_ok(), "pasted with a line's end");
    let heavy = secretly(&with("note", json!("x".repeat(LONGEST))));
    assert_eq!(read(&heavy, &shared(), NOW), Err(BadToken::TooLong));
    let heavy = secretly(&with("note", json!("x".repeat(4_000))));
    assert!(read(&heavy, &shared(), NOW).is_ok());
}

#[test]
fn a_key_file_holds_public_keys_and_nothing_else() {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let public = pair.public_key_pem();
    assert_eq!(public_keys(&format!("# QTAKE, 2026\n{public}\n{public}")).unwrap().len(), 2);
    let private = pair.serialize_pem();
    let certificate = public.replace("PUBLIC KEY", "CERTIFICATE");
    let cut = public.replace("-----END", "");
    let both = format!("{public}{private}");
    for bad in ["", "{\"keys\":[]}", SECRET, &private, &certificate, &cut, &both] {
        assert!(public_keys(bad).is_none(), "{bad}");
    }
    for bad in ["short", &public] {
        assert!(matches!(QtakeKeys::new(None, bad.parse().ok()), Err(BadKey::Secret)), "{bad}");
    }
    assert!(QtakeKeys::new(None, "".parse().ok()).unwrap().is_empty());
    let absent = Path::new("/nonexistent/qtake.pem").to_owned();
    assert!(matches!(QtakeKeys::new(Some(absent), None), Err(BadKey::File { .. })));
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("key.pem");
    fs::write(&file, &public).unwrap();
    let keys = QtakeKeys::new(Some(file.clone()), SECRET.parse().ok());
    fs::write(&file, &private).unwrap();
    let refused = QtakeKeys::new(Some(file), None);
    let keys = keys.unwrap();
    assert!(matches!(refused, Err(BadKey::NoPublicKey(_))));
    assert_eq!(format!("{keys:?}"), "QtakeKeys(2)", "nothing of the secret is shown");
    assert!(keys != shared() && shared() == shared());
}
