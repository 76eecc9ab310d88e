"""`python -m kubeproof` is the `kubeproof` command."""

from kubeproof.harness.cli import main

if __name__ == "__main__":
    main()
