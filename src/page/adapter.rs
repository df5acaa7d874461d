//! Whether this browser's GPU can be trusted with the work.

use serde::Deserialize;

use crate::device::LARGEST_BUFFER;
use crate::protocol::{Failure, FailureCode};

/// What the kernels need of an adapter's workgroups, besides [`LARGEST_BUFFER`]: WebGPU's own
/// guaranteed minimum.
const INVOCATIONS: f64 = 256.0;
const STORAGE: f64 = 16384.0;

/// What a worker found (`www/adapter.js`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Found {
    /// Whether workers have WebGPU.
    pub webgpu: bool,
    /// Why the GPU could not be asked for.
    pub failed: Option<String>,
    /// The GPU, if there is one.
    pub adapter: Option<Adapter>,
}

/// A GPU, as WebGPU describes it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Adapter {
    /// For people; empty, where the browser does not tell.
    pub name: String,
    /// Whether it says that it is software.
    pub fallback: bool,
    /// Whether it has `timestamp-query`, without which Burn's runtime panics.
    pub timestamps: bool,
    /// Its limit `maxComputeInvocationsPerWorkgroup`,
    pub invocations: f64,
    /// `maxComputeWorkgroupStorageSize`, in bytes,
    pub storage: f64,
    /// and `maxStorageBufferBindingSize`, in bytes.
    pub buffer: f64,
}

impl Found {
    /// What it is called, if it can be used. `in_pages`: whether the page itself has WebGPU.
    ///
    /// # Errors
    ///
    /// [`FailureCode::NoGpu`], with one sentence why not.
    pub fn usable(self, in_pages: bool, accept_software: bool) -> Result<String, Failure> {
        let name = self.name(in_pages, accept_software);
        name.map_err(|detail| Failure {
            code: FailureCode::NoGpu,
            detail,
        })
    }

    fn name(self, in_pages: bool, accept_software: bool) -> Result<String, String> {
        if let Some(reason) = self.failed {
            return Err(format!("the GPU could not be asked: {reason}"));
        }
        if !self.webgpu {
            return Err(if in_pages {
                "this browser has WebGPU for pages, but not yet for their workers, which compute here".into()
            } else {
                "this browser has no WebGPU".into()
            });
        }
        let Some(adapter) = self.adapter else {
            return Err("this browser found no GPU it can use".into());
        };
        let software = adapter.fallback || adapter.name.to_lowercase().contains("swiftshader");
        if software && !accept_software {
            return Err(
                "its GPU is only simulated in software, which is slower than the CPU".into(),
            );
        }
        if !adapter.timestamps {
            return Err("its GPU lacks “timestamp-query”".into());
        }
        for (limit, found, least) in [
            (
                "maxComputeInvocationsPerWorkgroup",
                adapter.invocations,
                INVOCATIONS,
            ),
            ("maxComputeWorkgroupStorageSize", adapter.storage, STORAGE),
            (
                "maxStorageBufferBindingSize",
                adapter.buffer,
                LARGEST_BUFFER as f64,
            ),
        ] {
            if found < least {
                return Err(format!(
                    "its GPU allows {limit} = {found}, needed are {least}"
                ));
            }
        }
        Ok(match adapter.name {
            name if name.is_empty() => "GPU".into(),
            name => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a worker says, as it says it.
    fn found(json: &str) -> Found {
        serde_json::from_str(json).expect("plain data")
    }

    const CARD: &str = r#"{"webgpu": true, "adapter": {"name": "acme", "fallback": false,
        "timestamps": true, "invocations": 256, "storage": 16384, "buffer": 134217728}}"#;

    #[test]
    fn a_card_is_taken_and_software_only_where_it_is_asked_for() {
        assert_eq!(found(CARD).usable(true, false).as_deref(), Ok("acme"));
        let nameless = found(&CARD.replace("acme", ""));
        assert_eq!(nameless.usable(true, false).as_deref(), Ok("GPU"));
        for software in [
            CARD.replace("acme", "Google SwiftShader"),
            CARD.replace(r#""fallback": false"#, r#""fallback": true"#),
        ] {
            assert!(found(&software).usable(true, true).is_ok());
            let refused = found(&software).usable(true, false).expect_err("software");
            assert!(refused.detail.contains("software"), "{}", refused.detail);
        }
    }

    #[test]
    fn why_there_is_no_gpu_is_a_sentence() {
        for (json, in_pages, why) in [
            (
                r#"{"webgpu": false, "adapter": null}"#,
                false,
                "this browser has no WebGPU",
            ),
            (r#"{"webgpu": false}"#, true, "not yet for their workers"),
            (
                r#"{"webgpu": true, "adapter": null}"#,
                true,
                "found no GPU it can use",
            ),
            (
                r#"{"webgpu": true, "failed": "lost"}"#,
                true,
                "could not be asked: lost",
            ),
            (
                &CARD.replace("134217728", "1048576"),
                true,
                "maxStorageBufferBindingSize = 1048576",
            ),
            (
                &CARD.replace(r#""timestamps": true"#, r#""timestamps": false"#),
                true,
                "timestamp",
            ),
        ] {
            let refused = found(json).usable(in_pages, false).expect_err(json);
            assert_eq!(refused.code, FailureCode::NoGpu);
            assert!(refused.detail.contains(why), "{}", refused.detail);
        }
    }
}
