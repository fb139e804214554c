// The draw of the module `sampler`: Philox4x32 with ten rounds, a counter of the position and a key of the seed.
fn multiply_high(a: u32, b: u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

// A fraction from 0 on, less than 1.
fn fraction_at(position: u32, seed: vec2u) -> f32 {
    var counter = vec4u(position, 0u, 0u, 0u);
    var key = seed;
    for (var round = 0u; round < 10u; round++) {
        let a = vec2u(multiply_high(0xd2511f53u, counter.x), 0xd2511f53u * counter.x);
        let b = vec2u(multiply_high(0xcd9e8d57u, counter.z), 0xcd9e8d57u * counter.z);
        counter = vec4u(b.x ^ counter.y ^ key.x, b.y, a.x ^ counter.w ^ key.y, a.y);
        key += vec2u(0x9e3779b9u, 0xbb67ae85u);
    }
    return f32(counter.x >> 8u) / 16777216.0;
}
