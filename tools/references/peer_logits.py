#!/usr/bin/env python3
"""Runs a GGUF through llama.cpp's library and writes its logits as .npy.

    LLAMA_CPP_LIB_PATH=llama.cpp/build/bin PYTHONPATH=llama-cpp-python \\
        peer_logits.py MODEL.gguf TOKENS.txt OUT.npy [--outputs KIND]
                       [--override KEY=INTEGER] [--cache ELEMENT]

Uses the ctypes binding of PyPI's llama-cpp-python; F32 cache, no flash
attention (which another cache needs), one thread. KIND as in families.py.
"""

import argparse
import ctypes
import pathlib

import numpy as np
from llama_cpp import llama_cpp as peer

POOLING = {"logits": peer.LLAMA_POOLING_TYPE_NONE,
           "embeddings": peer.LLAMA_POOLING_TYPE_NONE,
           "pooled": peer.LLAMA_POOLING_TYPE_UNSPECIFIED,
           "rank": peer.LLAMA_POOLING_TYPE_RANK}

CACHES = {"f32": 0, "f16": 1, "q8_0": 8}  # ggml's numbers of types


def context_of(model, count, outputs, cache):
    params = peer.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = count
    params.n_seq_max = 1
    params.n_threads = params.n_threads_batch = 1
    params.flash_attn_type = (peer.LLAMA_FLASH_ATTN_TYPE_DISABLED
                              if cache == "f32" else
                              peer.LLAMA_FLASH_ATTN_TYPE_ENABLED)
    params.type_k = params.type_v = CACHES[cache]
    params.embeddings = outputs != "logits"
    params.pooling_type = POOLING[outputs]
    return peer.llama_init_from_model(model, params)


def overrides_of(text):
    """What replaces a key of the file; the list ends with an empty key."""
    overrides = (peer.llama_model_kv_override * 2)()
    if text:
        key, value = text.split("=")
        overrides[0].tag = peer.LLAMA_KV_OVERRIDE_TYPE_INT
        overrides[0].key = key.encode()
        overrides[0].value.val_i64 = int(value)
    return overrides


def evaluate(model, tokens, outputs, cache):
    count = len(tokens)
    context = context_of(model, count, outputs, cache)
    batch = peer.llama_batch_init(count, 0, 1)
    batch.n_tokens = count
    for i, token in enumerate(tokens):
        batch.token[i], batch.pos[i] = token, i
        batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = 1, 0, 1
    status = peer.llama_decode(context, batch)
    if status:
        raise SystemExit(f"peer_logits.py: error: llama_decode says {status}")
    if outputs == "logits":
        width = peer.llama_vocab_n_tokens(peer.llama_model_get_vocab(model))
        row = peer.llama_get_logits_ith
    else:
        width = peer.llama_model_n_embd_out(model)
        row = peer.llama_get_embeddings_ith
    if outputs in ("logits", "embeddings"):
        rows = [np.ctypeslib.as_array(row(context, i), (width,)).copy()
                for i in range(count)]
        return np.stack(rows)
    if outputs == "rank":
        width = peer.llama_model_n_cls_out(model)
    pooled = peer.llama_get_embeddings_seq(context, 0)
    return np.ctypeslib.as_array(pooled, (width,)).copy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("tokens", type=pathlib.Path)
    parser.add_argument("out")
    parser.add_argument("--outputs", default="logits", choices=POOLING)
    parser.add_argument("--override", default="", metavar="KEY=INTEGER")
    parser.add_argument("--cache", default="f32", choices=CACHES)
    options = parser.parse_args()
    silent = peer.llama_log_callback(lambda level, text, data: (
        print(text.decode(), end="") if level == 4 else None))
    peer.llama_log_set(silent, ctypes.c_void_p(0))
    peer.llama_backend_init()
    params = peer.llama_model_default_params()
    params.use_extra_bufts = False
    params.kv_overrides = overrides_of(options.override)
    model = peer.llama_model_load_from_file(options.model.encode(), params)
    if not model:
        raise SystemExit(f"peer_logits.py: error: cannot load {options.model}")
    tokens = [int(word) for word in options.tokens.read_text().split()]
    np.save(options.out, evaluate(model, tokens, options.outputs, options.cache)
            .astype(np.float32))


if __name__ == "__main__":
    main()
