//! Makes a module and its JavaScript of what the compiler wrote, as Trunk does by `wasm-bindgen`:
//!
//! ```text
//! bindgen web|no-modules MODULE.wasm FOLDER
//! ```
//!
//! The library is compiled in a third of the time that the command line takes, and its version is that of
//! the lock file.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, module, folder] = arguments.as_slice() else {
        eprintln!("usage: bindgen web|no-modules MODULE.wasm FOLDER");
        return ExitCode::FAILURE;
    };
    let mut bindgen = Bindgen::new();
    let chosen = match target.as_str() {
        "web" => bindgen.web(true),
        _ => bindgen.no_modules(true),
    };
    let made = chosen.and_then(|bindgen| {
        bindgen
            .input_path(module)
            .typescript(false)
            .omit_default_module_path(false)
            .generate(folder)
    });
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bindgen: {module}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
