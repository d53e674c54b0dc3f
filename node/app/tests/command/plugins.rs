//! `cenacle plugins`.

use crate::{objects, succeeds};

#[test]
fn every_module_is_an_object_with_stable_fields() {
    let modules = objects(&succeeds("plugins --json"));
    for module in &modules {
        let fields: Vec<&str> = module.keys().map(String::as_str).collect();
        let want = ["kind", "name", "version", "origin", "summary", "properties", "options"];
        assert!(fields.len() == want.len() && want.iter().all(|field| fields.contains(field)));
        assert_eq!(module["origin"], "built_in");
        for option in module["options"].as_array().unwrap() {
            for field in ["name", "type", "bounds", "takes", "default", "help"] {
                assert!(option.get(field).is_some(), "{field} of {option}");
            }
        }
    }
    let is_there = |kind: &str, name: &str| {
        modules.iter().any(|module| module["kind"] == kind && module["name"] == name)
    };
    assert!(is_there("key_agreement", "tgdh") && is_there("key_agreement", "gdh"));
    assert!(is_there("cipher", "chacha20poly1305") && is_there("policy", "allowlist"));
}

#[test]
fn properties_and_bounds_are_values() {
    let modules = objects(&succeeds("plugins --json"));
    let tgdh = modules.iter().find(|module| module["name"] == "tgdh").unwrap();
    assert_eq!(tgdh["properties"]["contributory"], true);
    assert_eq!(tgdh["properties"]["needs_order"], "fifo");
    let group = &tgdh["options"][0];
    assert_eq!((&group["name"], &group["type"]), (&"group".into(), &"choice".into()));
    assert_eq!(group["bounds"], serde_json::json!(["ristretto255", "modp-2048", "modp-3072"]));
    assert_eq!(group["default"], "ristretto255");
}

#[test]
fn people_see_every_module_and_option() {
    let text = succeeds("plugins");
    for module in objects(&succeeds("plugins --json")) {
        assert!(text.contains(module["name"].as_str().unwrap()));
        for option in module["options"].as_array().unwrap() {
            assert!(text.contains(&format!("{} = ", option["name"].as_str().unwrap())));
        }
    }
    assert!(text.contains("NOT secret"), "a cipher that hides nothing says so");
    assert!(!text.contains('\x1b'), "no colours where there is no terminal");
}
