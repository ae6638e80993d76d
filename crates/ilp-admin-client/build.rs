//! Makes the schema of the admin API known to the derives of this crate.

fn main() {
    let schema = "../ilp-admin/schema.graphql";
    let registered = cynic_codegen::register_schema("admin")
        .from_sdl_file(schema)
        .and_then(cynic_codegen::registration::SchemaRegistration::as_default);
    if let Err(error) = registered {
        println!("cargo::error={schema} can't be read: {error}");
    }
}
