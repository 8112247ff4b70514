// Guards are for the pixels that were put off: all lanes or none.

fn takes_guards(pixel: u32) -> bool {
  return any_lane(carried_mask(IS_PUT_OFF, pixel));
}
