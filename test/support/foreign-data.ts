// What other writers of Kafka's formats made of known records, so that our reading is tested against more than our writing.
// Each was produced once, by the program that its name tells, and is kept as it was.
import type { Codec } from "../../src/record/batch.js";

/** The content of every vector in FOREIGN_DATA: more than 64 KiB, so that it takes several blocks. */
export const FOREIGN_CONTENT = new TextEncoder().encode(
  Array.from(
    { length: 9000 },
    (_, i) => `line ${i % 50}
`,
  ).join(""),
);

interface ForeignData {
  readonly writer: string;
  readonly codec: Codec;
  readonly data: Uint8Array;
}

/** FOREIGN_CONTENT, compressed. */
export const FOREIGN_DATA: readonly ForeignData[] = [
  vector("franz-go 1.22.3, gzip", "gzip", [
    "H4sIAAAJbogA/+zRu00mMBBG0Xyr2BKwPbwKIkBC9B8i4fu3QHSiL5qrkc7X5/fH/6d/v7Pu7Dvnztx5vvNy5/XO2533zh+ZOqvQqrRKrVqr2K",
    "q2yq16u95+/FVv19v1dr1db9fb9Xa9U+/UO/VOvVPv1Dv1Tr1T79SbelNv6k29qTf1pt7Um3pTr1y1x3MUKFCgQIECBQoUKFCgQIECBQoUKFCg",
    "QIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQI",
    "ECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIEC",
    "BQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQoUKFCgQIECBQ",
    "oUKFCgQIECBQoUKFCg8DcKP+zRqxHDABAD0VZSQk5SfgUFhKR/aHDrHgyExN5oZn//70073snOY+e589p573x25s4OCzRIAzVYAzZoAzd4whOe",
    "8IQnPOEJT3jCE57xjGc84xnPeMYznvGMF7zgBS94wQte8IIXvODBoZ3nWqEVWqEVWqEVWqEVWqEVWqEVWqEVWqEVLlLhGACq+qd5OBIBAA==",
  ]),
  vector("franz-go 1.22.3, snappy", "snappy", [
    "uKQEGGxpbmUgMAoFBwAxCQcAMgkHADMJBwA0CQcANQkHADYJBwA3CQcAOAkHADkJBwAxEUcNSAAxDUkAMQ1KADENSwAxDUwAMQ1NADENTgAxDU",
    "8AMQ1QADINUAAyDVAAMg1QADINUAAyDVAAMg1QADINUAAyDVAAMg1QADINUAAzDVAAMw1QADMNUAAzDVAAMw1QADMNUAAzDVAAMw1QADMNUAAz",
    "DVAANA1QADQNUAA0DVAANA1QADQNUAA0DVAANA1QADQNUAA0DVAANA1QDU8NTg1NEUwJHA1KDUkNSA1HDUbuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "HuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHu",
    "hgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhgHuhg",
    "E6hgE=",
  ]),
  vector("franz-go 1.22.3, lz4", "lz4", [
    "BCJNGGRwuRUCAADSbGluZSAwCmxpbmUgMQcAEjIHABIzBwASNAcAEjUHABI2BwASNwcAEjgHABI5BwAUMUcAA0gAEzFJABMxSgATMUsAEzFMAB",
    "MxTQATMU4AEzFPABMxUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzNQABMzUAATM1AAEzNQABMzUAATM1AAEzNQ",
    "ABMzUAATM1AAEzNQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAADTwADTgADTQAETAACBwADSgADSQADSAADRwADRg",
    "APhgH/////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////9SIDQ3XBDQZSA0OApsaW5lIDQ5CgAAAAAvOAUU",
  ]),
  vector("franz-go 1.22.3, zstd", "zstd", [
    "KLUv/YQwOBIBAFwDAHKDCQ/AZwA140/J7p2+98XA6Cvbtm3b//+rqqokSZIGIQDOVsQU4iiMNKAwfAeA09LFav7EpEHoda5znOM41znOdR3nOM",
    "e5rnOc6xxuN8lJuMgOwj12HFxjx+BysVNePI4xDjqEQzhLF/oBVQAAAAFUAA8wNTL/D9YhDX0=",
  ]),
  vector("liblz4, linked blocks", "lz4", [
    "BCJNGEBAwPQBAABxbGluZSAwCgcAEjEHABIyBwASMwcAEjQHABI1BwASNgcAEjcHABI4BwASOQcAFDFHAANIABMxSQATMUoAEzFLABMxTAATMU",
    "0AEzFOABMxTwATMVAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMzUAATM1AAEzNQABMzUAATM1AAEzNQABMzUAAT",
    "M1AAEzNQABMzUAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAA08AA04AA00ABEwAAmMBA0oAA0kAA0gAA0cAA0YAD4",
    "YB////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "////////////FlAgMQpsaRwAAAAPav7///////////////////////8yUGUgNDkKAAAAAA==",
  ]),
  vector("liblz4, linked blocks, all checksums, content size", "lz4", [
    "BCJNGFxAOBIBAAAAAACA9AEAAHFsaW5lIDAKBwASMQcAEjIHABIzBwASNAcAEjUHABI2BwASNwcAEjgHABI5BwAUMUcAA0gAEzFJABMxSgATMU",
    "sAEzFMABMxTQATMU4AEzFPABMxUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzNQABMzUAATM1AAEzNQABMzUAAT",
    "M1AAEzNQABMzUAATM1AAEzNQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAADTwADTgADTQAETAACYwEDSgADSQADSA",
    "ADRwADRgAPhgH/////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////8WUCAxCmxpy0ouXBwAAAAPav7///////////////////////8yUGUgNDkKZRARTgAAAAAvOAUU",
  ]),
  vector("liblz4, independent blocks, block checksums", "lz4", [
    "BCJNGHBArfQBAABxbGluZSAwCgcAEjEHABIyBwASMwcAEjQHABI1BwASNgcAEjcHABI4BwASOQcAFDFHAANIABMxSQATMUoAEzFLABMxTAATMU",
    "0AEzFOABMxTwATMVAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMzUAATM1AAEzNQABMzUAATM1AAEzNQABMzUAAT",
    "M1AAEzNQABMzUAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAA08AA04AA00ABEwAAmMBA0oAA0kAA0gAA0cAA0YAD4",
    "YB////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "////////////FlAgMQpsactKLlz+AAAAsm5lIDIKbGluZSAzBwASNAcAEjUHABI2BwASNwcAEjgHABI5BwAjMTAIABMxCAADSQATMUoAEzFLAB",
    "MxTAATMU0AEzFOABMxTwATMVAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMzUAATM1AAEzNQABMzUAATM1AAEzNQ",
    "ABMzUAATM1AAEzNQABMzUAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAA08AA04AA00ABEwAAlMBA0oAA0kAA0gAA0",
    "cAA0YAD4YB/////////////////////29QZSA0OQpmE79HAAAAAA==",
  ]),
  vector("liblz4, blocks of up to 4 MiB, content size", "lz4", [
    "BCJNGGhQOBIBAAAAAACuBgIAAHFsaW5lIDAKBwASMQcAEjIHABIzBwASNAcAEjUHABI2BwASNwcAEjgHABI5BwAUMUcAA0gAEzFJABMxSgATMU",
    "sAEzFMABMxTQATMU4AEzFPABMxUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzJQABMyUAATMlAAEzNQABMzUAATM1AAEzNQABMzUAAT",
    "M1AAEzNQABMzUAATM1AAEzNQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAATNFAAEzRQABM0UAADTwADTgADTQAETAACYwEDSgADSQADSA",
    "ADRwADRgAPhgH/////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////////////////////////////////////////////////////////////////////",
    "//////////////////////////////////////////////9gUGUgNDkKAAAAAA==",
  ]),
];

/** A batch of Kafka's Java client, kafka-clients 4.4.0: nine records, see `javaRecord`. */
export const JAVA_BATCHES: readonly ForeignData[] = [
  vector("java, gzip", "gzip", [
    "AAAAAAAAAAAAAAFa/////wJKHBeKAAEAAAAIAAABi8/laAAAAAGLz+WHQP//////////////////AAAACR+LCAAAAAAAAP/t2b1Jg1EUANCHSJ",
    "Agmg28E0j+k8oR3MDCIpVaKlh8kBEsxcoRMkJGyAgZwRHkPXhT3FOdIc73UEoZv+w+Y7ofPp5f33cxDZIkSZIkSZIkSZIkM1t+hnK6vWidPuud",
    "PguSJEmSJEmSJEmSJDNbO/337rJ1+rx3+jxIkiRJkiRJkiRJksxs7fS/+1Hr9EXv9EWQJEmSJEmSJEmSJJnZ2unHh6vW6cve6csgSZIkSZIkSZ",
    "IkSTKztdO/Hset01e901dBkiRJkiRJkiRJkmRma6efn65bp697p6+DJEmSJEmSJEmSJMnM1k4/vN20Tt/0Tt8ESZIkSZIkSZIkSZKZrZ2+Hyat",
    "07e907dBkiRJkiRJkiRJkmRmyz9DmG5+xhkBAA==",
  ]),
  vector("java, snappy", "snappy", [
    "AAAAAAAAAAAAAA5V/////wK8Dnr/AAIAAAAIAAABi8/laAAAAAGLz+WHQP//////////////////AAAACYJTTkFQUFkAAAAAAQAAAAEAAAZngI",
    "ACUJh9AAAACmtleSAwgH12YWx1ZSAwIP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP",
    "4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP",
    "4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAN4IABgAmn0A0A8CEk8fADEe",
    "Tx8AMRpPH/4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP",
    "4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP",
    "4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAMYIAA5PHwigHwQSTx8AMh5PHwAyGk8f/ggA/ggA/ggA/g",
    "gA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA",
    "/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/g",
    "gA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA",
    "/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/g",
    "gA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggAxggADk8fCPAuBhJPHwAzHk8fADMaTx/+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+",
    "CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CA",
    "D+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+",
    "CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CA",
    "D+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+",
    "CAD+CAD+CAD+CAD+CADGCAAOTx8IwD4IEk8fADQeTx8ANBpPH/4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAKIIAAAABl+AgAIcIHZhbH",
    "VlIDT+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+",
    "CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CA",
    "D+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+",
    "CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CA",
    "D+CAD+CAD+CAD+CADuCAAFCDgAmn0AkE4KCmtleSA1gH0WlxwANRqXHP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP",
    "4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP",
    "4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AMYIAA5PHwjgXQwSTx8ANh5PHwA2Gk8f/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/g",
    "gA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA",
    "/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/g",
    "gA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA",
    "/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggA/ggAxggADk8fCLBtDhJPHwA3Hk",
    "8fADcaTx/+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+",
    "CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CA",
    "D+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+",
    "CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CA",
    "D+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CAD+CADGCAAOTx8IgH0QEk8fADgeTx8AOBpPH/4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IALIIAAAAAULGMxx1ZSA4IHZhbP4IAP4IAP4IAP4IAP",
    "4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP",
    "4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4I",
    "AP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAP4IAPIIAAAA",
  ]),
  vector("java, lz4", "lz4", [
    "AAAAAAAAAAAAAAI1/////wLcjnyVAAMAAAAIAAABi8/laAAAAAGLz+WHQP//////////////////AAAACQQiTRhgQILGAQAA/waYfQAAAAprZX",
    "kgMIB9dmFsdWUgMCAIAP////////////////////////////////////////9EcQCafQDQDwJPHxQxTx8TMU8fDwgA////////////////////",
    "/////////////////////z4ATx8xoB8ETx8UMk8fEzJPHw8IAP////////////////////////////////////////8+AE8fMfAuBk8fFDNPHx",
    "MzTx8PCAD/////////////////////////////////////////PgBPHzHAPghPHxQ0Tx8TNE8fDwgA////////////////////////////////",
    "/////////z4ATx8xkE4KTx8UNU8fEzVPHw8IAP////////////////////////////////////////8+AE8fMeBdDE8fFDZPHxM2Tx8PCAD///",
    "//////////////////////////////////////PgBPHzGwbQ5PHxQ3Tx8TN08fDwgA/////////////////////////////////////////z4A",
    "Tx8xgH0QTx8UOE8fEzhPHw8IAP//////WlA4IHZhbCsAAACPdWUgOCB2YWwIAP////////////////////////////////+/UGUgOCAAAAAAAA",
    "==",
  ]),
  vector("java, zstd", "zstd", [
    "AAAAAAAAAAAAAADI/////wKCxBKeAAQAAAAIAAABi8/laAAAAAGLz+WHQP//////////////////AAAACSi1L/0AWFwEACQEmH0AAAAKa2V5ID",
    "CAfXZhbHVlIDAgAJp9ANAPAjExoB8EMjLwLgYzM8A+CDQ0kE4KNTXgXQw2NrBtDjc3gH0QODgAKCDwlX0DL9/B3WPigb18D3ePiQf28nu4e0w8",
    "sJfv4e4x8cBevkd3j4kH9vI93D0mHtjL93D3MfHAXr6HO/SY1Cdhr/n1kgkBAAA=",
  ]),
];

export const JAVA_RECORDS = 9;

/** Record number `index` of each batch in JAVA_BATCHES; all their values together take several blocks. */
export function javaRecord(index: number): { timestamp: number; key: string; value: string } {
  const timestamp = 1_700_000_000_000 + 1000 * index;
  return { timestamp, key: `key ${index}`, value: `value ${index} `.repeat(1000) };
}

function vector(writer: string, codec: Codec, base64: readonly string[]): ForeignData {
  return { writer, codec, data: new Uint8Array(Buffer.from(base64.join(""), "base64")) };
}
