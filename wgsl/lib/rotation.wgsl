// (cos, sin) of an angle in single precision. WebGPU promises its own functions only near zero and only to 2^-11. The angle is reduced by
// multiples of pi/2 in three parts; the polynomials are those of the Cephes library (sinf.c, cosf.c).
fn rotation(angle: f32) -> vec2f {
    let n = round(angle * 0.63661977);
    var r = fma(-n, 1.5703125, angle);
    r = fma(-n, 4.837512969970703e-4, r);
    r = fma(-n, 7.549789948768648e-8, r);
    let z = r * r;
    let sine = fma(fma(fma(-1.9515295891e-4, z, 8.3321608736e-3), z, -1.6666654611e-1), z * r, r);
    let cosine = fma(fma(fma(2.443315711809948e-5, z, -1.388731625493765e-3), z, 4.166664568298827e-2), z * z, fma(-0.5, z, 1.0));
    switch u32(i32(n)) & 3u {
        case 0u: { return vec2f(cosine, sine); }
        case 1u: { return vec2f(-sine, cosine); }
        case 2u: { return vec2f(-cosine, -sine); }
        default: { return vec2f(sine, -cosine); }
    }
}
