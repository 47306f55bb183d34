"""What several tests use: servers, corpora, references, a worker without torch."""
