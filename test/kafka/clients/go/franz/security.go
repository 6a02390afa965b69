// Package franz is what the programs with franz-go share.
package franz

import (
	"context"

	"rustlog/kafka-clients/line"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Security is how to connect and to log in, as the documentation of franz-go says.
func Security() []kgo.Opt {
	login := line.ReadLogin()
	if login == (line.Login{}) {
		return nil
	}
	// By default it tries for as long as it may, and then does not say why it failed.
	options := []kgo.Opt{kgo.RequestRetries(1)}
	if config := login.TLS(); config != nil {
		options = append(options, kgo.DialTLSConfig(config))
	}
	switch login.Mechanism {
	case "PLAIN":
		options = append(options, kgo.SASL(plain.Auth{User: login.User, Pass: login.Password}.AsMechanism()))
	case "SCRAM-SHA-256":
		options = append(options, kgo.SASL(scram.Auth{User: login.User, Pass: login.Password}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		options = append(options, kgo.SASL(scram.Auth{User: login.User, Pass: login.Password}.AsSha512Mechanism()))
	case "OAUTHBEARER":
		options = append(options, kgo.SASL(oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			token, err := login.CurrentToken()
			return oauth.Auth{Token: token}, err
		})))
	}
	return options
}
