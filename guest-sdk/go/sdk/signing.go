package postern

// Signing is signatures made and checked with keys that a filter can name (in
// secrets of its section of the configuration) and never see.
var Signing SigningAPI

// Algorithm is how something is signed.
type Algorithm uint8

const (
	HMACSHA1 Algorithm = iota
	HMACSHA256
	HMACSHA512
)

func (a Algorithm) String() string {
	return [...]string{"hmac-sha1", "hmac-sha256", "hmac-sha512"}[min(a, HMACSHA512)]
}

// SigningAPI is what [Signing] can do. Its only error is [ErrNoSuchSecret].
type SigningAPI struct{}

// Verify is whether a signature, as raw bytes, is right. It is compared in
// constant time.
func (SigningAPI) Verify(secret string, algorithm Algorithm, data, signature []byte) (bool, error) {
	return signingVerify(secret, min(algorithm, HMACSHA512), data, signature)
}

// Sign makes a signature, as raw bytes.
func (SigningAPI) Sign(secret string, algorithm Algorithm, data []byte) ([]byte, error) {
	return signingSign(secret, min(algorithm, HMACSHA512), data)
}
