//! What a person does at a browser: keys, files, other screens; and what a page complains of meanwhile.

use super::Browser;
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::path::Path;

impl Browser {
    /// Presses a key: a letter, or one by its name.
    pub async fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "Escape" => (27, ""),
            "ArrowDown" => (40, ""),
            "ArrowUp" => (38, ""),
            " " => (32, " "),
            "/" => (191, "/"),
            letter => (letter.to_uppercase().bytes().next().map_or(0, u32::from), letter),
        };
        let mut event = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if !text.is_empty() {
            event["text"] = text.into();
        }
        self.ask("Input.dispatchKeyEvent", event).await;
        let event = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code });
        self.ask("Input.dispatchKeyEvent", event).await;
    }

    /// Writes into what has the focus.
    pub async fn write(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text })).await;
    }

    /// Chooses a file for the input that a selector finds.
    pub async fn choose_file(&mut self, selector: &str, file: &Path) {
        let document = self.ask("DOM.getDocument", json!({})).await;
        let find = json!({ "nodeId": document["root"]["nodeId"], "selector": selector });
        let found = self.ask("DOM.querySelector", find).await;
        assert_ne!(found["nodeId"], 0, "{selector}");
        self.ask("DOM.setFileInputFiles", json!({ "nodeId": found["nodeId"], "files": [file] })).await;
    }

    /// A screen of this size, which somebody looks at, and whether he likes it dark.
    pub async fn screen(&mut self, width: u32, height: u32, dark: bool) {
        self.ask("Page.bringToFront", json!({})).await;
        self.ask("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700 });
        self.ask("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", media).await;
    }

    /// Writes what is on the screen to a PNG file.
    pub async fn picture(&mut self, file: &Path) {
        let picture = self.ask("Page.captureScreenshot", json!({ "format": "png" })).await;
        let data = BASE64.decode(picture["data"].as_str().expect("base64").as_bytes()).expect("base64");
        std::fs::write(file, data).expect("the target directory is writable");
    }

    /// What pages have complained of so far: exceptions, violations of a policy, whatever was written to the console.
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }
}

/// A page's complaint, if that is what the browser says.
pub(super) fn complaint(event: &Value) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Log.entryAdded" => Some(format!("{}: {}", params["entry"]["source"], params["entry"]["text"])),
        "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" => Some(params["args"].to_string()),
        _ => None,
    }
}
