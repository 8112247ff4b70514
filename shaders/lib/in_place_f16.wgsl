// Logits as float16, whose place the gradient takes: they are bound as the gradient.

fn load_logits(i: u32) -> u32 {
  return load_grad_logits(i);
}
