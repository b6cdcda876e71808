//! How much of the contract is built.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{api, contract::ENDPOINTS};

#[derive(Default)]
struct Category {
    done: usize,
    missing: Vec<&'static str>,
}

/// Per category, and in all: how many endpoints are built, how many there are, and which are not.
pub(super) fn coverage() -> Value {
    let routes = api::routes();
    let mut categories: BTreeMap<&str, Category> = BTreeMap::new();
    for row in ENDPOINTS {
        let category = categories.entry(row.category).or_default();
        match routes.get(row.path) {
            Some(_) => category.done += 1,
            None => category.missing.push(row.path),
        }
    }
    let done: usize = categories.values().map(|category| category.done).sum();
    let of = |(name, category): (&&str, &Category)| {
        let all = category.done + category.missing.len();
        let value = json!({ "done": category.done, "all": all, "missing": category.missing });
        ((*name).to_owned(), value)
    };
    let categories: serde_json::Map<String, Value> = categories.iter().map(of).collect();
    json!({ "done": done, "all": ENDPOINTS.len(), "categories": categories })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_counted_once() {
        let coverage = coverage();
        assert_eq!(coverage["all"], 291);
        let categories = coverage["categories"].as_object().unwrap();
        let sum = |key: &str| categories.values().map(|c| c[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!(sum("all"), 291);
        assert_eq!(sum("done"), coverage["done"].as_u64().unwrap());
        let missing: usize =
            categories.values().map(|c| c["missing"].as_array().unwrap().len()).sum();
        assert_eq!(missing as u64, 291 - sum("done"));
        assert_eq!(categories["SERVERSTATUS"]["missing"].as_array().unwrap().len(), 2);
    }
}
