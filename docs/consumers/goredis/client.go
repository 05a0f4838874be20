package goredis

import (
	"context"
	"crypto/tls"
	"math/rand"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Connect makes a client whose connections each take the password anew.
func Connect(password *RotatingPassword, s Secret) *redis.Client {
	options := &redis.Options{
		Addr:                       net.JoinHostPort(s.Host, strconv.Itoa(s.Port)),
		Protocol:                   2,
		CredentialsProviderContext: password.Get,
	}
	if s.SSL {
		options.TLSConfig = &tls.Config{ServerName: s.Host}
	}
	return redis.NewClient(options)
}

// WhileRefused tries a command again for which no connection was accepted: it has not been carried out.
func WhileRefused(ctx context.Context, password *RotatingPassword, command func() error) error {
	deadline := time.Now().Add(30 * time.Second)
	pause := 50 * time.Millisecond
	for {
		err := command()
		if err == nil || !IsRefusal(err) {
			return err
		}
		password.Refused()
		if time.Now().Add(pause).After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause/2 + time.Duration(rand.Int63n(int64(pause)))):
		}
		if pause *= 2; pause > 2*time.Second {
			pause = 2 * time.Second
		}
	}
}

// IsRefusal tells what Redis answers to a wrong password, up to Redis 5 and from 6 on.
func IsRefusal(err error) bool {
	return strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "ERR invalid password")
}
