//! Generates and compiles the C++ half of the bridges. The shims in `cpp/` include the headers it leaves in
//! `<target>/cxxbridge`.

use std::env;

fn main() {
    let bridges = ["src/pair.rs", "src/dms.rs"];
    cxx_build::bridges(bridges)
        .include("include")
        .std("c++17")
        .flag_if_supported("-Wall")
        .flag_if_supported("-Wextra")
        .compile("deepdms-bridge");
    println!("cargo:rerun-if-changed=include");
    for bridge in bridges {
        println!("cargo:rerun-if-changed={bridge}");
    }

    // lets the tests of this package find libtorch where the build found it
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    if let (Ok(_), Ok(root)) = (env::var("CARGO_FEATURE_TORCH"), env::var("LIBTORCH")) {
        println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{root}/lib");
    }
}
