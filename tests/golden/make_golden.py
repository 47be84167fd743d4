#!/usr/bin/env python3
"""Makes the checkpoints and golden files of the families that need one of their own.

Not part of the build. Needs Python 3.11 with torch 2.11.0 and transformers 5.4.0:
    python tests/golden/make_golden.py        (from the project's root)
It writes scenarios/models/NAME/ for each row of MODELS, tests/golden/NAME.json (last logits and
greedy tokens with eager attention; NAME.sdpa.json has them with scaled_dot_product_attention), and
for each family tests/golden/configs/FAMILY/config.json and tests/golden/tensors_FAMILY.json: names,
shapes, dtypes, modules and initial values of its parameters and buffers. Sizes are tiny, so that
all of it can be kept with the sources.
"""
import json
import pathlib
import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMPTS = [[5, 17, 42, 99, 3], [7, 8, 9, 10, 200, 201, 33, 64, 128]]
TINY = dict(vocab_size=256, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, intermediate_size=64, max_position_embeddings=128,
            pad_token_id=0, bos_token_id=1, eos_token_id=None)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=32)
MODELS = {
    "mistral_window_fp32": ("mistral", torch.float32, dict(sliding_window=4)),
    "mistral_window_bf16": ("mistral", torch.bfloat16, dict(sliding_window=4)),
    "gemma3_tied_fp32": ("gemma3_text", torch.float32,
                         dict(head_dim=8, query_pre_attn_scalar=8, sliding_window=4,
                              layer_types=["sliding_attention", "full_attention"],
                              rope_parameters={
                                  "full_attention": dict(rope_type="linear", factor=8.0,
                                                         rope_theta=1000000.0),
                                  "sliding_attention": dict(rope_type="default",
                                                            rope_theta=10000.0)})),
    "gemma3_tied_bf16": ("gemma3_text", torch.bfloat16,
                         dict(head_dim=8, query_pre_attn_scalar=8, sliding_window=4,
                              layer_types=["sliding_attention", "full_attention"])),
    "qwen2moe_untied_fp32": ("qwen2_moe", torch.float32,
                             dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
                                  shared_expert_intermediate_size=32, mlp_only_layers=[0])),
    "qwen2moe_untied_bf16": ("qwen2_moe", torch.bfloat16,
                             dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
                                  shared_expert_intermediate_size=32, norm_topk_prob=True)),
    "llama3_untied_fp32": ("llama", torch.float32,
                           dict(rope_parameters=LLAMA3, attention_bias=True, mlp_bias=True)),
    "qwen2_window_fp32": ("qwen2", torch.float32,
                          dict(use_sliding_window=True, sliding_window=4, max_window_layers=1,
                               tie_word_embeddings=True)),
    "mixtral_window_fp32": ("mixtral", torch.float32,
                            dict(num_local_experts=2, num_experts_per_tok=1, sliding_window=4,
                                 intermediate_size=32)),
    "gpt2_scaled_fp32": ("gpt2", torch.float32,
                         dict(n_embd=32, n_layer=2, n_head=4, n_positions=64, n_inner=48,
                              scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True,
                              activation_function="gelu_pytorch_tanh")),
}
SDPA_TOO = {  # checkpoints that have a golden file of eager attention already
    "gemma2_tied_fp32": torch.float32, "qwen2_tied_bf16": torch.bfloat16,
    "qwen3_tied_bf16": torch.bfloat16, "mixtral_untied_bf16": torch.bfloat16,
    "gpt2_tied_fp32": torch.float32,
}
TENSORS = {  # model type: what a config needs beyond TINY so that all kinds of tensors occur
    "qwen2": {}, "qwen3": dict(head_dim=16), "llama": dict(attention_bias=True, mlp_bias=True),
    "mistral": {}, "gemma2": dict(head_dim=8),
    "gemma3_text": dict(head_dim=8, layer_types=["sliding_attention", "full_attention"]),
    "gpt2": dict(n_embd=32, n_layer=2, n_head=4, n_positions=64),
    "mixtral": dict(num_local_experts=4),
    "qwen2_moe": dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
                      shared_expert_intermediate_size=32, mlp_only_layers=[0]),
}


def config_of(model_type, extra):
    sizes = dict(TINY)
    if model_type == "gpt2":
        sizes = {k: v for k, v in TINY.items() if k.endswith("_id") or k == "vocab_size"}
    return AutoConfig.for_model(model_type, **{**sizes, **extra})


def write(path, value, indent=None):
    path.write_text(json.dumps(value, indent=indent) + "\n")


def make_checkpoint(name):
    model_type, dtype, extra = MODELS[name]
    config = config_of(model_type, extra)
    torch.manual_seed(sum(map(ord, name)))
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():  # norms of one and biases of zero would hide faults
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + parameter)
    model.to(dtype).save_pretrained(ROOT / "scenarios/models" / name)


def greedy(model, ids, mask, use_cache):
    out = model.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=8,
                         min_new_tokens=8, use_cache=use_cache, output_logits=True,
                         return_dict_in_generate=True)
    top = [logits[0].float().topk(2).values for logits in out.logits]
    return out.sequences[:, ids.shape[1]:].tolist(), [(t[0] - t[1]).item() for t in top]


def run_of(model):
    run = {}
    for i, prompt in enumerate(PROMPTS):
        ids = torch.tensor([prompt])
        ones = torch.ones_like(ids)
        tokens, _ = greedy(model, ids, ones, True)
        plain, margins = greedy(model, ids, ones, False)
        run[f"prompt{i}"] = dict(last_logits=model(ids).logits[0, -1].float().tolist(),
                                 greedy8=tokens[0], greedy8_no_cache=plain[0],
                                 greedy_margins_no_cache=margins)
    width = max(map(len, PROMPTS))
    ids = torch.tensor([[0] * (width - len(p)) + p for p in PROMPTS])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in PROMPTS])
    positions = (mask.cumsum(-1) - 1).masked_fill(mask == 0, 0)
    logits = model(ids, attention_mask=mask, position_ids=positions).logits[:, -1].float()
    run["leftpad"] = dict(input_ids=ids.tolist(), attention_mask=mask.tolist(),
                          last_logits=logits.tolist(), greedy8=greedy(model, ids, mask, True)[0])
    return run


@torch.no_grad()
def make_golden(name, own_dtype, attentions=("eager", "sdpa")):
    import transformers
    for attention in attentions:
        dtypes = {torch.float32, own_dtype}
        runs = {}
        for dtype in sorted(dtypes, key=str):
            model = AutoModelForCausalLM.from_pretrained(
                ROOT / "scenarios/models" / name, dtype=dtype, attn_implementation=attention).eval()
            runs[str(dtype).removeprefix("torch.")] = run_of(model)
        suffix = "" if attention == "eager" else ".sdpa"
        write(ROOT / f"tests/golden/{name}{suffix}.json",
              dict(checkpoint=name, transformers=transformers.__version__,
                   torch=torch.__version__, attn_implementation=attention, prompts=PROMPTS,
                   runs=runs))


def make_beams():
    """Beam search on healthy weights, with an end token, and on weights that are all NaN."""
    rows = []
    for name in ("qwen2_tied_bf16", "qwen2_untied_fp32", "gpt2_tied_fp32", "gemma2_tied_fp32"):
        eos = None
        for beams, nan in ((2, False), (4, False), (3, False), (4, False), (2, True)):
            model = AutoModelForCausalLM.from_pretrained(ROOT / "scenarios/models" / name).eval()
            for parameter in model.parameters() if nan else ():
                parameter.data.fill_(float("nan"))
            ids = torch.tensor(PROMPTS[:1])
            out = model.generate(ids, num_beams=beams, do_sample=False, max_new_tokens=8,
                                 eos_token_id=eos)
            tokens = out[0, ids.shape[1]:].tolist()
            rows.append(dict(checkpoint=name, beams=beams, nan=nan, eos=[eos] if eos else [],
                             tokens=tokens))
            if len(rows) % 5 == 2:  # from here on, what was the third token ends a beam
                eos = tokens[2]
    write(ROOT / "tests/golden/beams.json", rows, indent=None)


def make_tensors(model_type):
    config = config_of(model_type, TENSORS[model_type])
    rows, modules = [], None
    for tied in (True, False):
        config.tie_word_embeddings = tied
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
        modules = dict(model.named_modules())
        persistent = set(model.state_dict())
        tensors = [(n, p, "param") for n, p in model.named_parameters()]
        tensors += [(n, b, "buffer" if n in persistent else "runtime_buffer")
                    for n, b in model.named_buffers()]
        rows.append(dict(tied=tied, tensors=[
            dict(name=n, kind=kind, shape=list(t.shape), dtype=str(t.dtype).removeprefix("torch."),
                 module=type(modules[n.rpartition(".")[0]]).__name__, **initial(t))
            for n, t, kind in tensors]))
    folder = ROOT / "tests/golden/configs" / model_type
    config.save_pretrained(folder)
    write(ROOT / f"tests/golden/tensors_{model_type}.json", rows, indent=1)


def initial(tensor):
    values = tensor.float()
    if values.numel() > 0 and bool((values == values.flatten()[0]).all()):
        return dict(init="constant", value=values.flatten()[0].item())
    return dict(init="values", std=values.std().item(),
                zero_rows=[i for i, row in enumerate(values) if not row.any()]
                if values.dim() == 2 else [])


if __name__ == "__main__":
    for name in sys.argv[1:] or MODELS:
        if name in MODELS:
            make_checkpoint(name)
            make_golden(name, MODELS[name][1])
    for name, dtype in SDPA_TOO.items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            make_golden(name, dtype, ["sdpa"])
    if len(sys.argv) == 1 or "beams" in sys.argv[1:]:
        make_beams()
    for model_type in TENSORS:
        if len(sys.argv) == 1 or model_type in sys.argv[1:]:
            make_tensors(model_type)
