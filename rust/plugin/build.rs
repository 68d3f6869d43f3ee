//! Generates and compiles the C++ half of the bridges. The shims in `cpp/` include the headers it leaves in
//! `<target>/cxxbridge`.

fn main() {
    let bridges = ["src/pair.rs", "src/dms.rs", "src/mobility.rs"];
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
}
